//! How events have come into a lifespan.

use std::sync::Arc;

/// How the events of a delivery have come into the lifespan.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry<'a> {
    /// They were dispatched here.
    Dispatched,
    /// By a request.
    Request,
    /// By the source with this address.
    Source(&'a Arc<str>),
}

impl<'a> Entry<'a> {
    /// How much longer the chain is for who gets them next.
    pub(super) fn hops(self) -> u32 {
        u32::from(!matches!(self, Self::Dispatched))
    }

    pub(crate) fn source(self) -> Option<&'a Arc<str>> {
        match self {
            Self::Source(address) => Some(address),
            Self::Dispatched | Self::Request => None,
        }
    }
}
