//! Why an event was not sent.

use std::fmt;
use std::time::Duration;

use crate::error::BoxError;

/// However long another side asks to wait, an event waits no longer in memory before it is tried again.
pub(crate) const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(5);

/// Why a sink has not sent an event. Every error becomes one by `?`, and is tried again.
#[derive(Debug)]
pub struct SinkError {
    error: BoxError,
    permanent: bool,
    retry_after: Option<Duration>,
}

impl SinkError {
    /// An error that another attempt may mend: a connection that was lost, a broker that is busy.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self { error: error.into(), permanent: false, retry_after: None }
    }

    /// An error that no other attempt mends: an event that is too large, an address that does not exist. The event is not
    /// tried again.
    pub fn permanent(error: impl Into<BoxError>) -> Self {
        Self { error: error.into(), permanent: true, retry_after: None }
    }

    /// Whether another attempt cannot mend it.
    pub fn is_permanent(&self) -> bool {
        self.permanent
    }

    /// Says that the other side wants to be left alone for so long, of which at most 5 minutes count: another attempt comes no
    /// earlier, though it may come later, as the [pauses](crate::SinkExt::backoff) say.
    #[must_use]
    pub fn with_retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause.min(LONGEST_RETRY_AFTER));
        self
    }

    /// How long the next attempt waits at least, where the other side has asked for it.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    pub(super) fn into_inner(self) -> BoxError {
        self.error
    }
}

impl<X: Into<BoxError>> From<X> for SinkError {
    fn from(error: X) -> Self {
        Self::new(error)
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}
