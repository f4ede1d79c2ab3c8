//! An event as one JSON object: the structured mode of `CloudEvents`.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::attributes::{Attributes, Value, Written};
use super::parts::Parts;
use super::{FormatError, Message, json, media};
use crate::envelope::Envelope;
use crate::wire::shown;

/// The object as text, of the attributes that it has besides its payload.
pub(super) fn write(attributes: &[Written<'_>], envelope: &Envelope) -> Result<Vec<u8>, FormatError> {
    let data = if media::is_json(envelope.content_type()) {
        Data::Json(json(envelope)?)
    } else {
        Data::Bytes(STANDARD.encode(envelope.payload()))
    };
    let object = Object { attributes, media_type: envelope.content_type(), data };
    serde_json::to_vec(&object).map_err(|error| FormatError::new(format!("the event is no JSON: {error}")))
}

struct Object<'a> {
    attributes: &'a [Written<'a>],
    media_type: &'a str,
    data: Data<'a>,
}

enum Data<'a> {
    Json(&'a RawValue),
    Bytes(String),
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.attributes {
            match value {
                Value::Text(text) => map.serialize_entry(name, text)?,
                Value::Integer(number) => map.serialize_entry(name, number)?,
            }
        }
        map.serialize_entry("datacontenttype", self.media_type)?;
        match &self.data {
            Data::Json(raw) => map.serialize_entry("data", raw)?,
            Data::Bytes(text) => map.serialize_entry("data_base64", text)?,
        }
        map.end()
    }
}

/// The event that a message's body says, all of it.
pub(super) fn read(message: &Message) -> Result<Parts<'_>, FormatError> {
    let members: Members<'_> = serde_json::from_slice(&message.body).map_err(|error| {
        FormatError::new(format!("the body is no CloudEvent in JSON: {}", shown(&error.to_string())))
    })?;
    let Members { mut attributes, data, bytes, wrong } = members;
    wrong.map_or(Ok(()), Err)?;
    attributes.set_trace(message)?;
    attributes.check_cloud_event()?;
    let name = attributes.take("type").unwrap_or_default();
    let stated = attributes.take("datacontenttype");
    let is_json = stated.as_deref().is_none_or(media::is_json);
    let (unstated, payload) = match (data, bytes) {
        (Some(_), Some(_)) => {
            return Err(FormatError::new("the event has `data` and `data_base64`: it can have one of them"));
        }
        (None, Some(raw)) => (media::UNKNOWN, Cow::Owned(decoded(raw)?)),
        (Some(raw), None) if is_json => (media::JSON, Cow::Borrowed(raw.get().as_bytes())),
        (Some(raw), None) if raw.get() != "null" => {
            let what = format!("`data` of the media type `{}`", shown(stated.as_deref().unwrap_or_default()));
            (media::UNKNOWN, Cow::Owned(text(&what, raw)?.into_bytes()))
        }
        (_, None) => (media::JSON, Cow::Borrowed(&[][..])),
    };
    Ok(Parts { name, media_type: stated.unwrap_or(Cow::Borrowed(unstated)), payload, attributes })
}

fn decoded(raw: &RawValue) -> Result<Vec<u8>, FormatError> {
    STANDARD.decode(text("`data_base64`", raw)?).map_err(|error| {
        let reason = error.to_string().to_lowercase();
        let reason = reason.trim_end_matches('.');
        FormatError::new(format!("`data_base64` is not base64 as in RFC 4648, section 4: {reason}"))
    })
}

fn text(what: &str, raw: &RawValue) -> Result<String, FormatError> {
    serde_json::from_str(raw.get())
        .map_err(|error| FormatError::new(format!("{what} must be a text: {}", shown(&error.to_string()))))
}

/// The members of an object, while it is read. Those that nobody asks for are looked at and forgotten.
#[derive(Default)]
struct Members<'a> {
    attributes: Attributes<'a>,
    data: Option<&'a RawValue>,
    bytes: Option<&'a RawValue>,
    /// The first member that is wrong: the text is read to its end all the same, since one that is no JSON at all is told
    /// first.
    wrong: Option<FormatError>,
}

impl<'a> Members<'a> {
    fn set(&mut self, name: &str, raw: &'a RawValue) -> Result<(), FormatError> {
        let slot = match name {
            "data" => &mut self.data,
            "data_base64" if raw.get() == "null" => return Ok(()),
            "data_base64" => &mut self.bytes,
            _ => {
                let text = attribute(name, raw)?;
                return text.map_or(Ok(()), |text| self.attributes.set(name, Cow::Owned(text)));
            }
        };
        match slot.replace(raw) {
            Some(_) => Err(FormatError::new(format!("`{name}` stands twice"))),
            None => Ok(()),
        }
    }
}

/// An attribute as text; nothing where it is `null`, which says that there is none.
fn attribute(name: &str, raw: &RawValue) -> Result<Option<String>, FormatError> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        let name = shown(name);
        return Err(FormatError::new(format!("`{name}` is no name of an attribute: those have `a` to `z` and digits")));
    }
    let wrong = |is: &str| {
        let others = if Attributes::is_core(name) { "" } else { ", a boolean, or a whole number of 32 bits" };
        Err(FormatError::new(format!("attribute `{}` is {is}: must be a text{others}", shown(name))))
    };
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'n') => Ok(None),
        Some(b'"') => serde_json::from_str(text).map(Some).or_else(|error| wrong(&format!("no text, {error}"))),
        Some(b'{') => wrong("an object"),
        Some(b'[') => wrong("a list"),
        Some(b't' | b'f') if Attributes::is_core(name) => wrong("a boolean"),
        Some(b't' | b'f') => Ok(Some(text.into())),
        _ if Attributes::is_core(name) => wrong("a number"),
        _ => text.parse().map(|number: i32| Some(number.to_string())).or_else(|_| wrong("another number")),
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::default();
        while let Some((name, raw)) = map.next_entry::<String, &RawValue>()? {
            if members.wrong.is_none() {
                members.wrong = members.set(&name, raw).err();
            }
        }
        Ok(members)
    }
}
