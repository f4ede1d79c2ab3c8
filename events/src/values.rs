//! The values that belong to the call of a handler, and to no other.

use std::sync::Arc;

use crate::envelope::Entry;
use crate::scope::ScopeQueue;
use crate::source::{Arrived, Lender, Mark, Settlement};

/// Where a handler finds values before those of the lifespan.
#[derive(Clone, Copy)]
pub(crate) enum Values<'a> {
    None,
    /// The scope that the event was dispatched in.
    Scope(&'a Arc<ScopeQueue>),
    /// The message that the event came in.
    Message(&'a Arrived),
}

/// The same, for deliveries and for other threads.
pub(crate) enum OwnedValues {
    None,
    Scope(Arc<ScopeQueue>),
    Message(Arrived),
}

impl<'a> Values<'a> {
    pub(crate) fn get<T: Send + Sync + 'static>(self) -> Option<Arc<T>> {
        match self {
            Self::None => None,
            Self::Scope(scope) => scope.value(),
            Self::Message(arrived) => arrived.message(),
        }
    }

    /// What says how the event's message is to be settled, if it came in one.
    pub(crate) fn mark(self) -> Option<Mark> {
        match self {
            Self::None | Self::Scope(_) => None,
            Self::Message(arrived) => Some(arrived.mark().clone()),
        }
    }

    /// The source that the event's message came from, if it came from one.
    pub(crate) fn lender(self) -> Option<&'a Lender> {
        match self {
            Self::None | Self::Scope(_) => None,
            Self::Message(arrived) => arrived.lender.as_deref(),
        }
    }

    /// How the event has come into the lifespan.
    pub(crate) fn entry(self) -> Entry<'a> {
        match (self, self.lender()) {
            (_, Some(lender)) => Entry::Source(&lender.address),
            (Self::Message(_), None) => Entry::Request,
            (Self::None | Self::Scope(_), None) => Entry::Dispatched,
        }
    }

    /// How a handler wants the event's message settled, if one has said so.
    #[inline]
    pub(crate) fn settlement(self) -> Option<Settlement> {
        match self {
            Self::None | Self::Scope(_) => None,
            Self::Message(arrived) => arrived.settlement(),
        }
    }

    pub(crate) fn to_owned(self) -> OwnedValues {
        match self {
            Self::None => OwnedValues::None,
            Self::Scope(scope) => OwnedValues::Scope(Arc::clone(scope)),
            Self::Message(arrived) => OwnedValues::Message(arrived.share()),
        }
    }
}

impl OwnedValues {
    /// Those of a scope, which is kept if it has any.
    pub(crate) fn of_scope(scope: &Arc<ScopeQueue>, has_values: bool) -> Self {
        if has_values { Self::Scope(Arc::clone(scope)) } else { Self::None }
    }

    pub(crate) fn borrow(&self) -> Values<'_> {
        match self {
            Self::None => Values::None,
            Self::Scope(scope) => Values::Scope(scope),
            Self::Message(arrived) => Values::Message(arrived),
        }
    }
}
