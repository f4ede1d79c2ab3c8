//! How events have come into a lifespan.

use std::sync::Arc;

/// How the events of a delivery have come into the lifespan.
#[derive(Clone, Debug, Default)]
pub(crate) enum Entry {
    /// They were dispatched here.
    #[default]
    Dispatched,
    /// By a request.
    #[cfg(feature = "http")]
    Request,
    /// By the source with this address.
    Source(Arc<str>),
}

impl Entry {
    /// How much longer the chain is for who gets them next.
    pub(super) fn hops(&self) -> u32 {
        u32::from(!matches!(self, Self::Dispatched))
    }

    pub(crate) fn source(&self) -> Option<&Arc<str>> {
        match self {
            Self::Source(address) => Some(address),
            _ => None,
        }
    }
}
