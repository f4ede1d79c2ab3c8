//! An event as it travels between processes.

mod arriving;
mod entry;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::any::AnyEvent;
use crate::error::BoxError;
use crate::metadata::EventId;
use crate::telemetry::Trace;
pub use arriving::Arriving;
pub(crate) use arriving::Beside;
pub(crate) use entry::Entry;

/// An event as it travels between processes: its payload in bytes, and what travels beside it, never inside of it.
///
/// A [`Sink`](crate::Sink) is given envelopes. Who writes a source makes them, of what a message says:
///
/// ```
/// use events::Envelope;
///
/// let envelope = Envelope::new("cat-fed", r#"{"fish":2}"#).with_id("17").with_correlation("12").with_hops(3);
/// assert_eq!((envelope.name(), envelope.id().to_string(), envelope.hops()), ("cat-fed", "17".into(), 3));
/// ```
///
/// Cloning it is cheap: the clones share the bytes.
#[derive(Clone)]
pub struct Envelope {
    head: Head,
    payload: Payload,
}

#[derive(Clone)]
struct Head {
    name: Arc<str>,
    id: EventId,
    time: SystemTime,
    origin: Arc<str>,
    correlation: Option<EventId>,
    causation: Option<EventId>,
    hops: u32,
    version: Option<u32>,
    content_type: Arc<str>,
    partition_key: Option<Arc<str>>,
    trace_parent: Option<Arc<str>>,
    trace_state: Option<Arc<str>>,
    /// The source that it has come from, where the sink is to mind that.
    came_from: Option<Arc<str>>,
}

#[derive(Clone)]
enum Payload {
    /// The JSON of an event, which is made once for all who ask.
    Event(AnyEvent),
    Bytes(Arc<Vec<u8>>),
}

const JSON: &str = "application/json";

impl Envelope {
    /// An event with a name and a payload, which is JSON unless [`with_content_type`](Self::with_content_type) says something
    /// else. It has no identity yet, came about now, and begins a chain.
    pub fn new(name: &str, payload: impl Into<Vec<u8>>) -> Self {
        let head = Head {
            name: name.into(),
            id: EventId::default(),
            time: SystemTime::now(),
            origin: Arc::default(),
            correlation: None,
            causation: None,
            hops: 0,
            version: None,
            content_type: JSON.into(),
            partition_key: None,
            trace_parent: None,
            trace_state: None,
            came_from: None,
        };
        Self { head, payload: Payload::Bytes(Arc::new(payload.into())) }
    }

    /// Serialises the event, unless somebody has before. One that has come from elsewhere is sent on, which is a hop.
    pub(crate) fn of(event: &AnyEvent, origin: &Arc<str>, entry: Entry<'_>) -> Result<Self, BoxError> {
        event.json().get().map_err(Clone::clone)?;
        let partition_key = event.partition_key()?;
        let meta = event.meta();
        let head = Head {
            name: event.name().into(),
            id: meta.id.clone(),
            time: meta.time,
            origin: Arc::clone(origin),
            correlation: meta.correlation.clone(),
            causation: meta.causation.clone(),
            hops: meta.hops.saturating_add(entry.hops()),
            version: Some(event.version()),
            content_type: JSON.into(),
            partition_key,
            trace_parent: None,
            trace_state: None,
            came_from: entry.source().cloned(),
        };
        Ok(Self { head, payload: Payload::Event(event.clone()) }.in_trace(&meta.trace))
    }

    pub(crate) fn trace(&self) -> Trace {
        Trace::read(self.trace_parent(), self.trace_state())
    }

    pub(crate) fn set_trace(&mut self, trace: &Trace) {
        if let Some((parent, state)) = trace.write() {
            (self.head.trace_parent, self.head.trace_state) = (Some(parent.into()), state.map(Into::into));
        }
    }

    /// Says which trace it belongs to, where that is known.
    pub(crate) fn in_trace(mut self, trace: &Trace) -> Self {
        self.set_trace(trace);
        self
    }

    /// The event's name.
    pub fn name(&self) -> &str {
        &self.head.name
    }

    /// The event's identity: with the [origin](Self::origin), no other event has it.
    pub fn id(&self) -> &EventId {
        &self.head.id
    }

    /// When the event was dispatched.
    pub fn time(&self) -> SystemTime {
        self.head.time
    }

    /// The application that the event comes from, a URI reference: see
    /// [`LifespanBuilder::origin`](crate::LifespanBuilder::origin).
    pub fn origin(&self) -> &str {
        &self.head.origin
    }

    /// The identity of the event that the chain began with; its own where it began one.
    pub fn correlation(&self) -> &EventId {
        self.head.correlation.as_ref().unwrap_or(&self.head.id)
    }

    /// The identity of the event whose handler dispatched this one.
    pub fn causation(&self) -> Option<&EventId> {
        self.head.causation.as_ref()
    }

    /// How many handlers stand between this event and the one that the chain began with, in all processes together, and how
    /// often one of these was sent on by a process that it had come to.
    pub fn hops(&self) -> u32 {
        self.head.hops
    }

    /// The version of the payload's type, where it is known.
    pub fn version(&self) -> Option<u32> {
        self.head.version
    }

    /// The media type of the payload.
    pub fn content_type(&self) -> &str {
        &self.head.content_type
    }

    /// What events have in common that a broker is to keep in order, where it can: the value of the field under
    /// `#[event(partition_key)]`.
    ///
    /// An event that came in with a key has it still where it is passed on, unless its type says another one. What its handlers
    /// dispatch are other events, with keys of their own.
    pub fn partition_key(&self) -> Option<&str> {
        self.head.partition_key.as_deref()
    }

    /// The `traceparent` of W3C Trace Context that the event was dispatched under.
    pub fn trace_parent(&self) -> Option<&str> {
        self.head.trace_parent.as_deref()
    }

    /// The `tracestate` that goes with it.
    pub fn trace_state(&self) -> Option<&str> {
        self.head.trace_state.as_deref()
    }

    /// The [address](crate::Source::address) of the source of this lifespan that the event has come from: who sends to several
    /// places leaves that one out. None where it was dispatched here, and where the sink is to send it
    /// [back](crate::SinkExt::also_back) too.
    pub fn came_from(&self) -> Option<&str> {
        self.head.came_from.as_deref()
    }

    pub(crate) fn forget_source(&mut self) {
        self.head.came_from = None;
    }

    /// The payload's bytes. Those of an event are serialised once, however many sinks ask.
    pub fn payload(&self) -> &[u8] {
        match &self.payload {
            // Whoever made the envelope has seen that there is JSON.
            Payload::Event(event) => event.json().get().map_or(b"null", str::as_bytes),
            Payload::Bytes(bytes) => bytes,
        }
    }

    /// The event itself, where this process has dispatched it.
    pub fn event(&self) -> Option<&AnyEvent> {
        match &self.payload {
            Payload::Event(event) => Some(event),
            Payload::Bytes(_) => None,
        }
    }
}

/// What a message says of its event, one after another.
impl Envelope {
    /// Gives it an identity.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.head.id = EventId::of_text(id);
        self
    }

    /// Says when the event came about.
    #[must_use]
    pub fn with_time(mut self, time: SystemTime) -> Self {
        self.head.time = time;
        self
    }

    /// Says which application the event comes from.
    #[must_use]
    pub fn with_origin(mut self, origin: &str) -> Self {
        self.head.origin = origin.into();
        self
    }

    /// Says which event the chain began with.
    #[must_use]
    pub fn with_correlation(mut self, id: &str) -> Self {
        self.head.correlation = Some(EventId::of_text(id));
        self
    }

    /// Says which event's handler dispatched this one.
    #[must_use]
    pub fn with_causation(mut self, id: &str) -> Self {
        self.head.causation = Some(EventId::of_text(id));
        self
    }

    /// Says how many handlers came before.
    #[must_use]
    pub fn with_hops(mut self, hops: u32) -> Self {
        self.head.hops = hops;
        self
    }

    /// Says which version of its type the payload is.
    #[must_use]
    pub fn with_version(mut self, version: u32) -> Self {
        self.head.version = Some(version);
        self
    }

    /// Says what the payload is.
    #[must_use]
    pub fn with_content_type(mut self, media_type: &str) -> Self {
        self.head.content_type = media_type.into();
        self
    }

    /// Says what the event has in common with those that it is to stay in order with.
    #[must_use]
    pub fn with_partition_key(mut self, key: &str) -> Self {
        self.head.partition_key = Some(key.into());
        self
    }

    /// Says which trace the event belongs to: `traceparent` and, where there is one, `tracestate`.
    #[must_use]
    pub fn with_trace(mut self, parent: &str, state: Option<&str>) -> Self {
        self.head.trace_parent = Some(parent.into());
        self.head.trace_state = state.map(Into::into);
        self
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("name", &self.name())
            .field("id", self.id())
            .field("origin", &self.origin())
            .field("bytes", &self.payload().len())
            .finish_non_exhaustive()
    }
}
