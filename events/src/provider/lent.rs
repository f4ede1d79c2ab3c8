//! What a parameter that is a `&dyn Trait` borrows.

use std::sync::Arc;

/// A value to borrow from. From a `Box` or an `Arc` it lends what is inside: the compiler would look for the trait on the
/// pointer. An inherent method goes before that of [`Lend`], which lends any other value as it is.
#[derive(Debug)]
pub struct Lent<'a, V>(#[doc(hidden)] pub &'a V);

impl<'a, T: ?Sized> Lent<'a, Box<T>> {
    /// What is inside.
    #[must_use]
    pub fn lend(self) -> &'a T {
        self.0
    }
}

impl<'a, T: ?Sized> Lent<'a, Arc<T>> {
    /// What is inside.
    #[must_use]
    pub fn lend(self) -> &'a T {
        self.0
    }
}

/// What any value can do.
pub trait Lend<'a> {
    /// The type of the value.
    type Value;

    /// The value.
    fn lend(self) -> &'a Self::Value;
}

impl<'a, V> Lend<'a> for Lent<'a, V> {
    type Value = V;

    fn lend(self) -> &'a V {
        self.0
    }
}
