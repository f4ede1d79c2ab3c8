//! Values that threads have for themselves, so that none waits for what another one writes.

use crate::sync::thread_number;

/// So many at most.
const MOST: usize = 64;

/// A value for each of some threads. Where there are more threads than values, several share one.
#[derive(Debug)]
pub(crate) struct Stripes<T>(Box<[Stripe<T>]>);

/// On cache lines of its own; processors fetch them in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Stripe<T>(T);

impl<T: Default> Stripes<T> {
    pub(crate) fn new(threads: usize) -> Self {
        Self::of(threads, T::default)
    }
}

impl<T> Stripes<T> {
    /// Enough for so many threads that are busy all the time, and for a few others.
    pub(crate) fn of(threads: usize, make: impl Fn() -> T) -> Self {
        let stripes = if threads > 1 { (2 * threads.min(MOST)).next_power_of_two().min(MOST) } else { 1 };
        Self((0..stripes).map(|_| Stripe(make())).collect())
    }

    /// The calling thread's.
    #[inline]
    pub(crate) fn mine(&self) -> &T {
        match &*self.0 {
            [only] => &only.0,
            // There are as many as a power of two.
            all => &all[thread_number() & (all.len() - 1)].0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|stripe| &stripe.0)
    }
}
