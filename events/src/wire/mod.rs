//! Payloads as JSON: a struct as serde has it, a variant of an enum as its fields alone, without a tag.

mod variant;

use std::any::Any;
use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;
use serde::ser::Serialize;
use serde_json::de::SliceRead;
use serde_json::value::RawValue;
use serde_path_to_error::{Segment, Track};

use crate::any::Loose;
use crate::event::{Event, Field, Taken, Taker};
pub(crate) use variant::{deserialize_variant, serialize_variant};

type Json<'de> = serde_json::Deserializer<SliceRead<'de>>;

/// Why a text is not the payload that its event's name asks for.
#[derive(Debug)]
pub struct DecodeError {
    pub(crate) path: String,
    pub(crate) reason: String,
}

impl DecodeError {
    fn new(path: &str, source: &serde_json::Error) -> Self {
        Self { path: shown(path), reason: shown(&source.to_string()) }
    }

    /// The path of the field that is wrong, `lines[0].count`; empty when it is the payload itself.
    ///
    /// Of a path of more than 1024 bytes the middle is left out, and control characters are escaped.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The same error, without what it says of a value that must not be shown.
    pub(crate) fn without_secrets(mut self, fields: &[Field]) -> Self {
        if fields.iter().any(|field| field.secret) && !is_shown(&self.path, fields) {
            "what stands there is no value of its type, and is secret".clone_into(&mut self.reason);
            // Keys of maps are values of somebody's.
            self.path = leading(&self.path, fields).map_or(String::new(), |field| field.wire.to_owned());
        }
        self
    }
}

/// Of a longer text, only the beginning and the end are repeated in an error.
const SHOWN_LEN: usize = 1024;

/// A text that somebody else chose, fit for a terminal: serde's errors repeat the keys and values that they are about.
pub(crate) fn shown(text: &str) -> String {
    let head = text.floor_char_boundary(SHOWN_LEN / 2);
    let tail = text.ceil_char_boundary(text.len().saturating_sub(SHOWN_LEN / 4));
    let text = if text.len() <= SHOWN_LEN {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("{}.. ({} bytes) ..{}", &text[..head], text.len(), &text[tail..]))
    };
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if c.is_control() {
            shown.extend(c.escape_debug());
        } else {
            shown.push(c);
        }
        shown
    })
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.reason),
            path => write!(f, "at `{path}`: {}", self.reason),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Whether a path leads to a field that is known and no secret.
fn is_shown(path: &str, fields: &[Field]) -> bool {
    // Under a flattened field, serde knows no paths.
    if path.is_empty() {
        return !Field::all_secret(fields) && !fields.iter().any(|field| field.flat);
    }
    leading(path, fields).is_some_and(|field| !field.secret)
}

/// The field that a path begins with.
fn leading<'a>(path: &str, fields: &'a [Field]) -> Option<&'a Field> {
    let leads_to = |field: &&Field| {
        path.strip_prefix(field.wire).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    fields.iter().find(leads_to)
}

fn error(text: &str) -> serde_json::Error {
    serde::de::Error::custom(text)
}

/// Reads one value, the path of the field that fails beside the error.
pub(crate) fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<T, DecodeError> {
    // Keeping track of the path costs more than the reading, and only an error has a use for it. That it is text is seen
    // sooner of the whole than of each string in it.
    if let Ok(text) = str::from_utf8(json)
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    tracked(json, |json| T::deserialize(json))
}

fn tracked<'de, T>(
    json: &'de [u8],
    read: impl FnOnce(serde_path_to_error::Deserializer<'_, '_, &mut Json<'de>>) -> Result<T, serde_json::Error>,
) -> Result<T, DecodeError> {
    let mut text = serde_json::Deserializer::from_slice(json);
    let mut track = Track::new();
    let value = read(serde_path_to_error::Deserializer::new(&mut text, &mut track))
        .and_then(|value| text.end().map(|()| value));
    value.map_err(|source| DecodeError::new(&path_text(&track.path()), &source))
}

/// The path as a user would write it. A key whose type is more than a text or a number is a `?`.
fn path_text(path: &serde_path_to_error::Path) -> String {
    path.iter().fold(String::new(), |text, segment| {
        let name = match segment {
            Segment::Seq { index } => return format!("{text}[{index}]"),
            Segment::Map { key: name } | Segment::Enum { variant: name } => name,
            Segment::Unknown => "?",
        };
        if text.is_empty() { name.to_owned() } else { format!("{text}.{name}") }
    })
}

pub(crate) fn serialize<E: Serialize + 'static>(payload: &dyn Any) -> Result<Box<RawValue>, serde_json::Error> {
    serde_json::value::to_raw_value(of_type::<E>(payload)?)
}

fn of_type<E: 'static>(payload: &dyn Any) -> Result<&E, serde_json::Error> {
    payload.downcast_ref().ok_or_else(|| error("the payload is of another type"))
}

pub(crate) fn deserialize<E: Event + DeserializeOwned>(
    _: usize,
    json: &[u8],
    taker: &mut Taker<'_>,
) -> Result<Taken, DecodeError> {
    decode::<E>(json).map(|event| taker.take(event))
}

/// Any JSON at all, as it was written.
pub(crate) fn raw(json: &[u8]) -> Result<Loose<Box<RawValue>>, DecodeError> {
    decode(json).map(Loose::new)
}
