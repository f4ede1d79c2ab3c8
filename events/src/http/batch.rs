//! The events of a batch, of which there may be too many.

use std::fmt;

use http::StatusCode;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::problem::Refusal;
use crate::envelope::Envelope;
use crate::format::{CloudEvents, Format as _, FormatError, Message, media};
use crate::wire::shown;

/// Reads the events of a batch, if there are no more than `limit` of them.
pub(super) fn read(message: &Message, limit: usize) -> Result<Vec<Result<Envelope, FormatError>>, Refusal> {
    let (events, count) = elements(&message.body, limit).map_err(|error| {
        Refusal::malformed(format!("the body is no list of CloudEvents in JSON: {}", shown(&error.to_string())))
    })?;
    if count > limit {
        let detail = format!("the batch has {count} events, and at most {limit} are taken together");
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too-many-events", detail));
    }
    // A trace in the request's headers is that of each event that has none of its own.
    let trace = message.headers.iter().filter(|(name, _)| name == "traceparent" || name == "tracestate");
    let mut element = Message {
        content_type: Some(media::CLOUD_EVENT.into()),
        headers: trace.cloned().collect(),
        ..Message::default()
    };
    let read = |json: &RawValue| {
        element.body = json.get().into();
        CloudEvents::structured().decode(&element)
    };
    Ok(events.into_iter().map(read).collect())
}

/// The first elements of a list, at most `limit` of them, and how many there are in all.
fn elements(json: &[u8], limit: usize) -> Result<(Vec<&RawValue>, usize), serde_json::Error> {
    let mut text = serde_json::Deserializer::from_slice(json);
    let read = Limit(limit).deserialize(&mut text)?;
    text.end().map(|()| read)
}

struct Limit(usize);

impl<'de> DeserializeSeed<'de> for Limit {
    type Value = (Vec<&'de RawValue>, usize);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Limit {
    type Value = (Vec<&'de RawValue>, usize);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut first = Vec::new();
        while first.len() < self.0 {
            let Some(element) = list.next_element()? else {
                let count = first.len();
                return Ok((first, count));
            };
            first.push(element);
        }
        let mut count = first.len();
        while list.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok((first, count))
    }
}
