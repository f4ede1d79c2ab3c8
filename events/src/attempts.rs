//! Who is told of attempts that failed.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::place::Site;

type Told<X> = dyn Fn(&X, u32) + Send + Sync;

/// A closure of the user's that is told of each attempt that failed, if there is one.
pub(crate) struct OnAttempt<X>(Option<Arc<Told<X>>>);

impl<X> OnAttempt<X> {
    pub(crate) fn new(told: impl Fn(&X, u32) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(told)))
    }

    /// Tells it. Its panic goes no further than the log.
    pub(crate) fn tell(&self, error: &X, attempt: u32, site: Site) {
        let Some(told) = &self.0 else { return };
        if catch_unwind(AssertUnwindSafe(|| told(error, attempt))).is_err() {
            tracing::error!(target: "events", of = %site, "`on_attempt` panicked");
        }
    }
}

impl<X> Default for OnAttempt<X> {
    fn default() -> Self {
        Self(None)
    }
}

impl<X> Clone for OnAttempt<X> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<X> fmt::Debug for OnAttempt<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnAttempt").field(&self.0.is_some()).finish()
    }
}
