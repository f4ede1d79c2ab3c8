//! What a message says beside its body where no format reads it: its event is named elsewhere, and its body is the payload.

use std::time::{Duration, SystemTime};

use super::attributes::{self, Attributes};
use super::{Message, headers};
use crate::envelope::Beside;
use crate::metadata::EventId;
use crate::rfc3339;

/// What a property of a transport says, by the header that handlers see it as.
const PROPERTIES: [(&str, Property); 8] = [
    ("amqp-message-id", Property::Id),
    ("amqp-correlation-id", Property::Correlation),
    ("amqp-timestamp", Property::Seconds),
    ("sqs-message-id", Property::Id),
    ("sqs-sent-timestamp", Property::Millis),
    ("pubsub-message-id", Property::Id),
    ("pubsub-publish-time", Property::Time),
    ("sse-id", Property::Id),
];

#[derive(Clone, Copy)]
enum Property {
    Id,
    Correlation,
    Seconds,
    Millis,
    Time,
}

/// Reads the attributes of a `CloudEvent` in binary mode, where the message is one; the trace of W3C Trace Context; and, for what
/// is still unknown, the properties of the transport. What is broken is left out: it costs nobody an event.
pub(crate) fn beside(message: &Message) -> Beside {
    if message.headers.is_empty() {
        return Beside::default();
    }
    let mut beside = attributes_of(message).unwrap_or_default();
    for (header, value) in &message.headers {
        let known = PROPERTIES.iter().find(|(name, _)| header.eq_ignore_ascii_case(name));
        if let Some((_, property)) = known {
            // The transport's own come first.
            property.fill(value, &mut beside);
        }
    }
    // Whatever else is left out: circles have an end.
    beside.hops = beside.hops.max(headers::hops(message));
    beside.correlation.take_if(|correlation| beside.id.as_ref() == Some(correlation));
    beside
}

fn attributes_of(message: &Message) -> Option<Beside> {
    let prefix = headers::PREFIXES.into_iter().find(|prefix| headers::has(prefix, "specversion", message));
    let said = prefix.and_then(|prefix| headers::read(prefix, message).ok()?.beside().ok());
    said.or_else(|| {
        let mut attributes = Attributes::default();
        attributes.set_trace(message).ok()?;
        attributes.beside().ok()
    })
}

impl Property {
    fn fill(self, value: &str, beside: &mut Beside) {
        let id = || Some(value).filter(|text| is_id(text)).map(EventId::of_text);
        let since = |length: fn(u64) -> Duration| {
            let time = SystemTime::UNIX_EPOCH.checked_add(length(value.parse().ok()?))?;
            // One that can be written again.
            rfc3339::write(time).map(|_| time)
        };
        match self {
            Self::Id => beside.id = beside.id.take().or_else(id),
            Self::Correlation => beside.correlation = beside.correlation.take().or_else(id),
            Self::Seconds => beside.time = beside.time.or_else(|| since(Duration::from_secs)),
            Self::Millis => beside.time = beside.time.or_else(|| since(Duration::from_millis)),
            Self::Time => beside.time = beside.time.or_else(|| rfc3339::read(value)),
        }
    }
}

/// Whether an event can be known by it wherever it is sent on.
fn is_id(text: &str) -> bool {
    !text.is_empty() && attributes::check("id", text).is_ok()
}
