//! Functions that make what handlers ask for.

mod call;
mod error;
mod lent;
mod make;
mod plan;
mod proof;
mod provided;
mod replace;
mod teardown;

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::context::{Context, Signature};
use crate::error::BoxError;
use crate::params::FromContext;
use crate::place::Site;

pub(crate) use call::{ProvidedCall, with_values};
pub use call::{at_once, block_with, once_with};
pub use error::ProviderError;
pub use lent::{Lend, Lent};
pub use make::made;
pub(crate) use plan::Plan;
pub use proof::{assert_at_once, assert_lifespan, assert_owned};
pub use provided::{Making, Provided};
pub(crate) use replace::{Replacement, Replacements};
pub use teardown::{Ending, Teardown};

/// What a provider has made.
pub(crate) type Value = Arc<dyn Any + Send + Sync>;
/// A value while it is made.
pub type Made<'a> = BoxFuture<'a, Result<Value, BoxError>>;

/// A function under [`#[provide]`](macro@crate::provide): the type that has its name.
///
/// The attribute puts a type without values beside the function, so that one path means the function where a value stands,
/// and the provider where a type does: in `#[depends(database)]`, in `replace::<database>(..)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a provider",
    label = "not a function under `#[provide]`",
    note = "`#[depends(..)]` names the function that makes the value, by its path; put `#[provide]` on it"
)]
pub trait Provider: Sized + Send + Sync + 'static {
    /// The type of what it makes.
    type Value: Send + Sync + 'static;

    #[doc(hidden)]
    const FACTS: Facts;

    #[doc(hidden)]
    fn __declaration() -> &'static ProviderDecl;

    /// The value that a parameter borrows. As a function of the trait it is one more mention of the path in one form: where
    /// it is no provider, that is one error.
    #[doc(hidden)]
    fn __shared(
        context: &Context<'_>,
        values: Option<&Provided>,
    ) -> impl Future<Output = Result<Arc<Self::Value>, BoxError>> + Send {
        make::shared::<Self>(context, values)
    }

    /// The value that a parameter takes for itself.
    #[doc(hidden)]
    fn __owned(
        context: &Context<'_>,
        values: Option<&Provided>,
    ) -> impl Future<Output = Result<Self::Value, BoxError>> + Send {
        make::owned::<Self>(context, values)
    }
}

/// A provider whose value is made once, before the lifespan's first event.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a lifespan provider",
    label = "not a function under `#[provide(lifespan)]`",
    note = "what a `#[provide]` makes belongs to one call, and is there for what that call asks for"
)]
pub trait LifespanProvider: Provider {}

/// What the compiler knows of a provider, or of a function that depends on some.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// How long the longest chain of providers is that it stands on. A cycle has no such number, so that the compiler
    /// finds it.
    #[doc(hidden)]
    pub depth: usize,
    /// Whether a call that asks for it makes anything.
    #[doc(hidden)]
    pub per_call: bool,
    /// Whether all calls share what it makes.
    #[doc(hidden)]
    pub lifespan: bool,
    /// Whether a call that asks for it may have to wait.
    #[doc(hidden)]
    pub is_async: bool,
}

impl Facts {
    /// Those of a function that depends on providers.
    #[must_use]
    pub const fn of_call<const N: usize>(depends: [Self; N]) -> Self {
        let mut facts = Self { depth: 0, per_call: false, lifespan: false, is_async: false };
        let mut i = 0;
        while i < N {
            if depends[i].depth >= facts.depth {
                facts.depth = depends[i].depth + 1;
            }
            facts.per_call |= depends[i].per_call;
            facts.is_async |= depends[i].is_async;
            i += 1;
        }
        facts
    }

    /// Those of a provider. What a lifespan provider makes is there before any call.
    #[must_use]
    pub const fn of_provider<const N: usize>(lifespan: bool, is_async: bool, depends: [Self; N]) -> Self {
        let Self { depth, is_async: waits, .. } = Self::of_call(depends);
        Self { depth, per_call: !lifespan, lifespan, is_async: !lifespan && (is_async || waits) }
    }
}

/// What `#[provide]` declares about a function: one static per provider, put into the link table.
pub struct ProviderDecl {
    #[doc(hidden)]
    pub site: Site,
    /// The type after the arrow, as it was written.
    #[doc(hidden)]
    pub value: &'static str,
    #[doc(hidden)]
    pub facts: Facts,
    #[doc(hidden)]
    pub timeout: Option<Duration>,
    #[doc(hidden)]
    pub make: for<'a> fn(Context<'a>, &'a Making<'a>) -> Made<'a>,
    #[doc(hidden)]
    pub signature: fn(&mut Signature),
}

impl ProviderDecl {
    /// Whether both are one provider.
    pub(crate) fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }

    pub(crate) fn signature(&self) -> Signature {
        let mut signature = Signature::default();
        (self.signature)(&mut signature);
        signature
    }
}

impl fmt::Debug for ProviderDecl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.site, f)
    }
}

/// An entry of the link table.
#[derive(Debug)]
pub struct ProviderEntry(#[doc(hidden)] pub &'static ProviderDecl);

inventory::collect!(ProviderEntry);

/// What a provider may answer beside its value.
pub trait Fallible {
    /// The type of the value.
    type Value;
    /// The type of the error. What it must be able to is asked for where it is used, so that it is asked for once.
    type Error;

    /// # Errors
    ///
    /// That of the `Result`.
    fn into_value(self) -> Result<Self::Value, BoxError>
    where
        Self::Error: ProviderFault;
}

impl<T, X> Fallible for Result<T, X> {
    type Value = T;
    type Error = X;

    fn into_value(self) -> Result<T, BoxError>
    where
        X: ProviderFault,
    {
        self.map_err(ProviderFault::into_error)
    }
}

/// An error that a provider may answer.
#[diagnostic::on_unimplemented(
    message = "a provider cannot fail with `{Self}`",
    label = "`{Self}` is not an error",
    note = "implement `std::error::Error` for `{Self}`, or return a `String`: the error must convert into `Box<dyn Error + Send + Sync>`"
)]
pub trait ProviderFault {
    /// The error, in the form in which all are kept.
    fn into_error(self) -> BoxError;
}

#[diagnostic::do_not_recommend]
impl<X: Into<BoxError>> ProviderFault for X {
    fn into_error(self) -> BoxError {
        self.into()
    }
}

/// A type that a provider may take by value: whatever a handler may, and [`Teardown`].
#[diagnostic::on_unimplemented(
    message = "a provider cannot ask for `{Self}`",
    label = "`{Self}` does not implement `FromContext`",
    note = "a provider takes `State<T>`, `Lifespan`, `Metadata`, `Teardown`, a type of yours that implements `events::FromContext`, or what another provider makes, by `#[depends(..)]`"
)]
pub trait ProviderParam: Sized {
    /// # Errors
    ///
    /// Whatever keeps the value from being made.
    fn make(context: &Context<'_>, making: &Making<'_>) -> Result<Self, BoxError>;

    /// Says what the value needs.
    fn declare(signature: &mut Signature);
}

#[diagnostic::do_not_recommend]
impl<T: FromContext> ProviderParam for T {
    fn make(context: &Context<'_>, _: &Making<'_>) -> Result<Self, BoxError> {
        T::__make(context)
    }

    fn declare(signature: &mut Signature) {
        T::declare(signature);
    }
}

impl ProviderParam for Teardown {
    fn make(_: &Context<'_>, making: &Making<'_>) -> Result<Self, BoxError> {
        Ok(making.teardown())
    }

    fn declare(_: &mut Signature) {}
}
