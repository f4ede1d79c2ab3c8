//! What this process needs of a message: as little as there is, where the message has it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use super::{Envelope, Head, Payload};
use crate::format::{self, Message};
use crate::metadata::{EventId, Meta};
use crate::telemetry::Trace;

/// An event that a message holds. It borrows from the message what it can.
pub struct Arriving<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) payload: Cow<'a, [u8]>,
    pub(crate) beside: Beside,
}

/// What an event brings along beside its payload. What a message does not say is absent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beside {
    pub(crate) id: Option<EventId>,
    pub(crate) time: Option<SystemTime>,
    /// Absent too where it would be the event's own identity.
    pub(crate) correlation: Option<EventId>,
    pub(crate) causation: Option<EventId>,
    pub(crate) hops: u32,
    pub(crate) partition_key: Option<Arc<str>>,
    /// Where it was sent, or made.
    pub(crate) trace: Trace,
    pub(crate) version: Option<u32>,
}

impl Beside {
    /// Takes out what travels with the event in this process; a new identity, where it brings none.
    pub(crate) fn take_meta(&mut self, new_id: impl FnOnce() -> EventId) -> Meta {
        Meta {
            id: self.id.take().unwrap_or_else(new_id),
            time: self.time.unwrap_or_else(SystemTime::now),
            correlation: self.correlation.take(),
            causation: self.causation.take(),
            hops: self.hops,
            partition_key: self.partition_key.take(),
            // What handles it stands in what processes its message, where somebody looks at that.
            trace: Trace::current().or(&self.trace),
        }
    }
}

impl<'a> Arriving<'a> {
    /// An event that has its name from elsewhere: the body of the message is its payload.
    pub(crate) fn named(name: &'a str, message: &'a Message) -> Self {
        Self { name: Cow::Borrowed(name), payload: Cow::Borrowed(&message.body), beside: format::beside(message) }
    }

    pub(crate) fn into_envelope(self) -> Envelope {
        let Self { name, payload, beside } = self;
        let Beside { id, time, correlation, causation, hops, partition_key, trace, version } = beside;
        let mut envelope = Envelope::new(&name, payload);
        let head = &mut envelope.head;
        head.id = id.unwrap_or_default();
        head.time = time.unwrap_or(head.time);
        (head.correlation, head.causation, head.partition_key) = (correlation, causation, partition_key);
        (head.hops, head.version) = (hops, version);
        envelope.in_trace(&trace)
    }
}

impl From<Envelope> for Arriving<'_> {
    fn from(Envelope { head, payload }: Envelope) -> Self {
        let payload = match payload {
            Payload::Event(event) => event.json().get().map_or_else(|_| b"null".to_vec(), Into::into),
            Payload::Bytes(bytes) => Arc::unwrap_or_clone(bytes),
        };
        Self { name: Cow::Owned(head.name.as_ref().into()), payload: Cow::Owned(payload), beside: head.into() }
    }
}

impl From<Head> for Beside {
    fn from(head: Head) -> Self {
        Self {
            id: Some(head.id).filter(|id| !id.is_empty()),
            time: Some(head.time),
            correlation: head.correlation,
            causation: head.causation,
            hops: head.hops,
            partition_key: head.partition_key,
            trace: Trace::read(head.trace_parent.as_deref(), head.trace_state.as_deref()),
            version: head.version,
        }
    }
}

#[cfg(feature = "http")]
impl Envelope {
    /// What it says beside its payload.
    pub(crate) fn beside(&self) -> Beside {
        self.head.clone().into()
    }
}

impl fmt::Debug for Arriving<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, payload, beside } = self;
        f.debug_struct("Arriving")
            .field("name", name)
            .field("beside", beside)
            .field("bytes", &payload.len())
            .finish_non_exhaustive()
    }
}
