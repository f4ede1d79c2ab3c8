//! The plain pair of a name and a payload.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::attributes::{self, Value};
use super::parts::Parts;
use super::{Format, FormatError, Message, headers, json, media};
use crate::envelope::{Arriving, Envelope};
use crate::wire::shown;

/// The plain pair: `["cat-fed",{"fish":2}]`.
///
/// The body is a list of two, the name and the payload, and `application/json`: what fastapi-events writes, for one. The
/// identity of the event, its time and all else that travels beside the payload are headers, with the names of
/// [`CloudEvents`](crate::CloudEvents) behind `pair-`: `pair-id`, `pair-source`, `pair-time`, `pair-correlationid`,
/// `pair-causationid`, `pair-partitionkey`, `pair-traceparent`, `pair-tracestate` (and, for those who trace, `traceparent` and `tracestate`), `pair-eventhops`, `pair-eventversion`, and
/// `pair-datacontenttype` where it is not `application/json`. There is no `ce-` before them, since there are readers that
/// take any message with a `ce-id` for a `CloudEvent`.
///
/// A pair without headers is read all the same: the event has no identity then, came about when it was read, and begins a
/// chain. Its trace is what the headers `traceparent` and `tracestate` say.
///
/// # Errors
///
/// A payload that is not JSON cannot be written. What is read must be a list of exactly two, of which the first is a text
/// that is not empty; and the headers that are there must have values that `CloudEvents` allow.
///
/// # Examples
///
/// ```
/// use events::{Envelope, Format, Message, Pair};
///
/// let message = Pair.encode(&Envelope::new("cat-fed", r#"{"fish":2}"#).with_id("17").with_hops(3))?;
/// assert_eq!(message.body, br#"["cat-fed",{"fish":2}]"#);
/// assert_eq!((message.header("pair-id"), message.header("pair-eventhops")), (Some("17"), Some("3")));
///
/// let bare = Message { body: br#"["cat-fed", {"fish": 2}]"#.to_vec(), ..Message::default() };
/// let envelope = Pair.decode(&bare)?;
/// assert_eq!((envelope.name(), envelope.payload(), envelope.hops()), ("cat-fed", br#"{"fish": 2}"#.as_slice(), 0));
/// # Ok::<_, events::FormatError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair;

const PREFIX: &str = "pair-";

impl Format for Pair {
    fn encode(&self, envelope: &Envelope) -> Result<Message, FormatError> {
        let media_type = envelope.content_type();
        if !media::is_json(media_type) {
            return Err(FormatError::new(format!(
                "a pair has a payload of JSON, and not of `{}`: send it as `CloudEvents`",
                shown(media_type)
            )));
        }
        let mut beside = attributes::written(envelope)?;
        if media_type != media::JSON {
            attributes::check_media_type(media_type)?;
            beside.push(("datacontenttype", Value::Text(Cow::Borrowed(media_type))));
        }
        let body = serde_json::to_vec(&(envelope.name(), json(envelope)?));
        let body = body.map_err(|error| FormatError::new(format!("the event is no JSON: {error}")))?;
        let headers = headers::write(PREFIX, &beside);
        Ok(Message { content_type: Some(media::JSON.into()), headers, body })
    }

    fn decode(&self, message: &Message) -> Result<Envelope, FormatError> {
        read(message)?.envelope()
    }

    fn __read<'a>(&self, message: &'a Message) -> Result<Arriving<'a>, FormatError> {
        read(message)?.arriving()
    }
}

fn read(message: &Message) -> Result<Parts<'_>, FormatError> {
    let NameAndPayload(name, payload) = serde_json::from_slice(&message.body).map_err(|error| {
        FormatError::new(format!("the body is no pair `[\"name\", payload]`: {}", shown(&error.to_string())))
    })?;
    let mut attributes = headers::read(PREFIX, message)?;
    let media_type = attributes.take("datacontenttype").unwrap_or(Cow::Borrowed(media::JSON));
    if !media::is_json(&media_type) {
        return Err(FormatError::new(format!(
            "header `pair-datacontenttype` is `{}`: the payload of a pair is JSON",
            shown(&media_type)
        )));
    }
    Ok(Parts { name: name.0, media_type, payload: Cow::Borrowed(payload.get().as_bytes()), attributes })
}

struct NameAndPayload<'a>(Text<'a>, &'a RawValue);

/// A text that is borrowed, unless something in it is escaped.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.into())))
    }
}

impl<'de> Deserialize<'de> for NameAndPayload<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(PairVisitor)
    }
}

struct PairVisitor;

impl<'de> Visitor<'de> for PairVisitor {
    type Value = NameAndPayload<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of two")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let name: Text<'de> = list.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let payload = list.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
        if list.next_element::<IgnoredAny>()?.is_some() {
            return Err(A::Error::custom("there are more than two"));
        }
        if name.0.is_empty() {
            return Err(A::Error::custom("the name is empty"));
        }
        Ok(NameAndPayload(name, payload))
    }
}
