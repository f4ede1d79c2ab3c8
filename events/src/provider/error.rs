//! Why a provider has made nothing.

use std::fmt;

use super::ProviderDecl;
use crate::failure::FailureCause;
use crate::place::{Place, Site};

/// A provider that did not make its value, or whose teardown failed: the cause of the [`Failure`](crate::Failure) of the
/// handler that asked for it.
#[derive(Debug)]
pub struct ProviderError {
    provider: &'static ProviderDecl,
    what: What,
    cause: FailureCause,
}

/// What it was that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Making,
    Teardown,
}

impl ProviderError {
    pub(crate) fn new(provider: &'static ProviderDecl, what: What, cause: FailureCause) -> Self {
        Self { provider, what, cause }
    }

    /// Tells the log, where nobody else is told.
    pub(crate) fn log(&self) {
        let place = self.place();
        tracing::error!(target: "events", file = place.file(), line = place.line(), error = %self, "a provider failed");
    }

    pub(super) fn site(&self) -> Site {
        self.provider.site
    }

    /// The path of the provider: `my_app::database`.
    pub fn provider(&self) -> String {
        self.provider.site.path()
    }

    /// Where the provider is declared.
    pub fn place(&self) -> Place {
        self.provider.site.place
    }

    /// What went wrong in it.
    pub fn cause(&self) -> &FailureCause {
        &self.cause
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::Making => "provider",
            What::Teardown => "the teardown of provider",
        };
        write!(f, "{what} `{}` failed: {}", self.provider(), self.cause)
    }
}

impl std::error::Error for ProviderError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            FailureCause::Error(error) => Some(&**error),
            FailureCause::Panic(_) | FailureCause::Timeout(_) | FailureCause::InBatch(_) | FailureCause::Aborted => {
                None
            }
        }
    }
}
