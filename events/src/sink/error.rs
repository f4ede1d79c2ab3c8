//! Why an event was not sent.

use std::fmt;

use crate::error::BoxError;

/// Why a sink has not sent an event. Every error becomes one by `?`, and is tried again.
#[derive(Debug)]
pub struct SinkError {
    error: BoxError,
    permanent: bool,
}

impl SinkError {
    /// An error that another attempt may mend: a connection that was lost, a broker that is busy.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self { error: error.into(), permanent: false }
    }

    /// An error that no other attempt mends: an event that is too large, an address that does not exist. The event is not
    /// tried again.
    pub fn permanent(error: impl Into<BoxError>) -> Self {
        Self { error: error.into(), permanent: true }
    }

    /// Whether another attempt cannot mend it.
    pub fn is_permanent(&self) -> bool {
        self.permanent
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
