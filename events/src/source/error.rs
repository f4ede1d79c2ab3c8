//! Why a source cannot go on.

use std::fmt;

use crate::error::BoxError;

/// Why a source has no message, or could not settle one. Every error becomes one by `?`.
#[derive(Debug)]
pub struct SourceError(BoxError);

impl SourceError {
    /// An error of a source.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self(error.into())
    }

    pub(super) fn into_inner(self) -> BoxError {
        self.0
    }
}

impl<X: Into<BoxError>> From<X> for SourceError {
    fn from(error: X) -> Self {
        Self::new(error)
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
