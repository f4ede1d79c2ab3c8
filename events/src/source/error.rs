//! Why a source cannot go on.

use std::fmt;
use std::time::Duration;

use crate::error::BoxError;

/// Why a source has no message, or could not settle one. Every error becomes one by `?`.
#[derive(Debug)]
pub struct SourceError {
    error: BoxError,
    permanent: bool,
    retry_after: Option<Duration>,
}

impl SourceError {
    /// An error that another attempt may mend: a connection that was lost, a broker that is busy.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self { error: error.into(), permanent: false, retry_after: None }
    }

    /// An error that no other attempt mends: the source has come to its end. It is not connected again, for as long as its
    /// lifespan lives.
    pub fn permanent(error: impl Into<BoxError>) -> Self {
        Self { permanent: true, ..Self::new(error) }
    }

    /// Says that the other side wants to be left alone for so long: another attempt comes no earlier, though it may come
    /// later, as the [pauses](crate::SourceExt::backoff) say.
    #[must_use]
    pub fn with_retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    /// How long the next attempt waits at least, where the other side has asked for it.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether another attempt cannot mend it.
    pub fn is_permanent(&self) -> bool {
        self.permanent
    }

    pub(super) fn into_inner(self) -> BoxError {
        self.error
    }
}

impl<X: Into<BoxError>> From<X> for SourceError {
    fn from(error: X) -> Self {
        Self::new(error)
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}
