//! Why an event was refused.

use crate::any::AnyEvent;
use crate::name::NameError;
use crate::validate::ValidationErrors;
use crate::wire::DecodeError;

/// Why an event was refused. Nothing of it has been queued then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DispatchError {
    /// The caller stands in no scope, handler or task of a lifespan.
    #[error(
        "`{event}` was dispatched outside of a lifespan: dispatch inside `lifespan.scope(..)` or a handler, or call `lifespan.dispatch(..)`"
    )]
    NoLifespan {
        /// The event's name.
        event: Box<str>,
    },
    /// The lifespan has been shut down, or is shutting down and takes nothing from outside any more.
    #[error("`{event}` came after the lifespan's end: it has been shut down")]
    Closed {
        /// The event's name.
        event: Box<str>,
    },
    /// The payload breaks its own rules.
    #[error("`{event}` is invalid: {errors}")]
    Invalid {
        /// The event's name.
        event: Box<str>,
        /// The broken rules.
        errors: ValidationErrors,
    },
    /// The payload is not JSON, or not of the shape that the name asks for.
    #[error("the payload of `{event}` does not fit: {error}")]
    Malformed {
        /// The event's name.
        event: Box<str>,
        /// What is wrong with it, and where.
        error: DecodeError,
    },
    /// The text cannot be the name of any event.
    #[error("`{name}` cannot be dispatched: {error}")]
    Name {
        /// The text, shortened where it is long, with control characters escaped.
        name: Box<str>,
        /// Why it is no name.
        error: NameError,
    },
    /// The name belongs to a type that cannot be made of JSON.
    #[error("`{event}` cannot be dispatched by name: derive `serde::Deserialize` for its type `{type_name}`")]
    NotDeserialize {
        /// The event's name.
        event: Box<str>,
        /// The type that has the name.
        type_name: &'static str,
    },
    /// The payload is in a version that this binary does not read.
    #[error("`{event}` is in version {version}, and this binary reads {}", versions(*oldest, *newest))]
    Version {
        /// The event's name.
        event: Box<str>,
        /// The version that was asked for.
        version: u32,
        /// The oldest version that is read.
        oldest: u32,
        /// The version of today.
        newest: u32,
    },
    /// Too many handlers, and processes that have sent it on, stand between the event and the one that its chain began with.
    #[error(
        "`{event}` would be number {hops} of its chain, past the limit of {limit}: some handler dispatches, or some \
         sink sends, what leads back to itself"
    )]
    TooDeep {
        /// The event's name.
        event: Box<str>,
        /// How many would have come before.
        hops: u32,
        /// How many may: [`LifespanBuilder::max_hops`](crate::LifespanBuilder::max_hops).
        limit: u32,
    },
    /// As many events wait for their delivery as the lifespan takes.
    #[error(
        "the lifespan is full: {limit} events wait for delivery; `{}` was given back: dispatch it again once others are \
         delivered, or raise `max_pending`",
        event.name()
    )]
    Full {
        /// The event, for [`try_into_inner`](AnyEvent::try_into_inner) and another attempt.
        event: AnyEvent,
        /// How many may wait: [`LifespanBuilder::max_pending`](crate::LifespanBuilder::max_pending).
        limit: usize,
    },
    /// The event's type came into the process after the first lifespan had read the link table.
    #[error("`{event}` is not in the link table: its type was loaded after the first lifespan started")]
    NotLinked {
        /// The event's name.
        event: Box<str>,
    },
}

impl DispatchError {
    /// One word for it, of which there are few, such as `invalid` or `too_deep`. Spans and metrics have it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoLifespan { .. } => "no_lifespan",
            Self::Closed { .. } => "closed",
            Self::Invalid { .. } => "invalid",
            Self::Malformed { .. } => "malformed",
            Self::Name { .. } => "name",
            Self::NotDeserialize { .. } => "not_deserialize",
            Self::Version { .. } => "version",
            Self::TooDeep { .. } => "too_deep",
            Self::Full { .. } => "full",
            Self::NotLinked { .. } => "not_linked",
        }
    }

    /// The name that was dispatched, where it is one.
    #[cfg(feature = "metrics")]
    pub(crate) fn event(&self) -> Option<&str> {
        match self {
            Self::NoLifespan { event }
            | Self::Closed { event }
            | Self::Invalid { event, .. }
            | Self::Malformed { event, .. }
            | Self::NotDeserialize { event, .. }
            | Self::Version { event, .. }
            | Self::TooDeep { event, .. }
            | Self::NotLinked { event } => Some(event),
            Self::Full { event, .. } => Some(event.name()),
            Self::Name { .. } => None,
        }
    }

    /// What is wrong with the payload, field by field: the rules that it breaks, or, with the code `malformed`, the one place
    /// where it does not fit its type. None where something else is wrong than the payload.
    ///
    /// Its JSON is the answer to who sent the payload, in an HTTP response of 422 for one. See [`ValidationErrors`].
    pub fn invalid_fields(&self) -> Option<ValidationErrors> {
        match self {
            Self::Invalid { errors, .. } => Some(errors.clone()),
            Self::Malformed { error, .. } => Some(ValidationErrors::of_malformed(error)),
            _ => None,
        }
    }
}

fn versions(oldest: u32, newest: u32) -> String {
    if oldest == newest { format!("version {newest} alone") } else { format!("versions {oldest} to {newest}") }
}

/// At most this many bytes of a refused text are repeated in its error.
const SHOWN_LEN: usize = 64;

/// A text from elsewhere, fit for a terminal.
pub(crate) fn shortened(text: &str) -> Box<str> {
    if text.len() <= SHOWN_LEN {
        return text.escape_debug().to_string().into();
    }
    let end = text.floor_char_boundary(SHOWN_LEN);
    format!("{}.. ({} bytes)", text[..end].escape_debug(), text.len()).into()
}
