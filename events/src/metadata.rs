//! What travels with an event beside its payload.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::SystemTime;

use crate::any::AnyEvent;
use crate::context::{Context, Signature};
use crate::extract::NoEvent;
use crate::params::FromContext;
use crate::telemetry::Trace;

/// The identity of an event. Its text is unique for every event of every lifespan.
///
/// It is made of a random part, drawn once for each lifespan, and a number that no other of its events has; the text is only
/// made when somebody asks for it. Numbers tell no order: each thread counts up in a block of its own.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EventId(Id);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Id {
    Local {
        lifespan: u64,
        number: u64,
    },
    /// What arrives from elsewhere brings its identity along. Never a text that a lifespan here could have made: one text
    /// is one identity.
    Foreign(Arc<str>),
}

impl EventId {
    /// The identity that has a text.
    pub(crate) fn of_text(text: &str) -> Self {
        Self(Id::read(text).unwrap_or_else(|| Id::Foreign(text.into())))
    }

    /// Whether it is none: what was read did not say any. So is the default.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(&self.0, Id::Foreign(text) if text.is_empty())
    }

    pub(crate) fn local(lifespan: u64, number: u64) -> Self {
        Self(Id::Local { lifespan, number })
    }
}

impl Default for EventId {
    fn default() -> Self {
        Self(Id::Foreign(Arc::default()))
    }
}

impl Id {
    /// The text of a lifespan, and nothing that only looks like one.
    fn read(text: &str) -> Option<Self> {
        let (lifespan, number) = text.split_at_checked(16)?;
        let number = number.strip_prefix('-')?;
        // What is read in another way as well would be two texts for one identity.
        let lifespan = lifespan.bytes().try_fold(0, |lifespan, byte| Some(lifespan << 4 | u64::from(hex(byte)?)))?;
        let is_decimal =
            number.bytes().all(|byte| byte.is_ascii_digit()) && (number == "0" || !number.starts_with('0'));
        if !is_decimal {
            return None;
        }
        Some(Self::Local { lifespan, number: number.parse().ok()? })
    }
}

/// What a hexadecimal digit is worth; none has an upper-case letter.
fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Id::Local { lifespan, number } => write!(f, "{lifespan:016x}-{number}"),
            Id::Foreign(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A number that no other lifespan has drawn, as far as chance goes: 64 bits from the hasher's random keys.
pub(crate) fn random_part() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[derive(Clone, Debug)]
pub(crate) struct Meta {
    pub(crate) id: EventId,
    pub(crate) time: SystemTime,
    /// Absent where it would be the event's own identity.
    pub(crate) correlation: Option<EventId>,
    pub(crate) causation: Option<EventId>,
    pub(crate) hops: u32,
    /// The one that the event came with from elsewhere.
    pub(crate) partition_key: Option<Arc<str>>,
    /// Where it was dispatched.
    pub(crate) trace: Trace,
}

/// What an event leaves to the events that its handlers dispatch.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    pub(crate) id: EventId,
    pub(crate) correlation: EventId,
    pub(crate) hops: u32,
}

impl From<&Meta> for Cause {
    fn from(meta: &Meta) -> Self {
        Self {
            id: meta.id.clone(),
            correlation: meta.correlation.as_ref().unwrap_or(&meta.id).clone(),
            hops: meta.hops,
        }
    }
}

/// What travels with the event that a handler was called for: a parameter of handlers.
///
/// # Examples
///
/// ```
/// use events::{Event, Metadata, on};
///
/// #[derive(Event)]
/// struct CatFed;
///
/// #[on]
/// fn log(event: &CatFed, metadata: Metadata) {
///     println!("{} came of {:?}", metadata.id(), metadata.causation());
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
pub struct Metadata {
    event: AnyEvent,
}

impl Metadata {
    /// The event's name.
    pub fn name(&self) -> &str {
        self.event.name()
    }

    /// The event's identity.
    pub fn id(&self) -> &EventId {
        self.event.id()
    }

    /// The version of the payload's type.
    pub fn version(&self) -> u32 {
        self.event.version()
    }

    /// When the event was dispatched.
    pub fn time(&self) -> SystemTime {
        self.event.time()
    }

    /// The identity of the event that the chain began with.
    pub fn correlation(&self) -> &EventId {
        self.event.correlation()
    }

    /// The identity of the event whose handler dispatched this one.
    pub fn causation(&self) -> Option<&EventId> {
        self.event.causation()
    }

    /// How many handlers stand between this event and the one that the chain began with.
    pub fn hops(&self) -> u32 {
        self.event.hops()
    }
}

impl FromContext for Metadata {
    type Error = NoEvent;

    fn from_context(context: &Context<'_>) -> Result<Self, NoEvent> {
        context.event().map(|event| Self { event: event.clone() }).ok_or(NoEvent)
    }

    fn declare(_: &mut Signature) {}
}
