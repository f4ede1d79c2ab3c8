//! Payloads as JSON: a struct as serde has it, a variant of an enum as its fields alone, without a tag.

use std::any::Any;
use std::fmt;

use serde::de::value::U32Deserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, VariantAccess, Visitor};
use serde::ser::Serialize;
use serde_json::de::SliceRead;
use serde_json::value::RawValue;
use serde_path_to_error::{Segment, Track};

use crate::any::{Loose, Payload};
use crate::event::Event;

type Json<'de> = serde_json::Deserializer<SliceRead<'de>>;

/// Why a text is not the payload that its event's name asks for.
#[derive(Debug)]
pub struct DecodeError {
    /// The path of the field that is wrong, empty for the payload itself.
    pub(crate) path: String,
    pub(crate) source: serde_json::Error,
}

impl DecodeError {
    /// The path of the field that is wrong, `lines[0].count`; empty when it is the payload itself.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "{}", self.source),
            path => write!(f, "at `{path}`: {}", self.source),
        }
    }
}

impl std::error::Error for DecodeError {}

fn error(text: &str) -> serde_json::Error {
    serde::de::Error::custom(text)
}

/// Reads one value, the path of the field that fails beside the error.
pub(crate) fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<T, DecodeError> {
    // Keeping track of the path costs more than the reading, and only an error has a use for it.
    if let Ok(value) = serde_json::from_slice(json) {
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
    value.map_err(|source| DecodeError { path: path_text(&track.path()), source })
}

/// The path as a user would write it, without what only serde's data model knows.
fn path_text(path: &serde_path_to_error::Path) -> String {
    path.iter().fold(String::new(), |text, segment| match segment {
        Segment::Seq { index } => format!("{text}[{index}]"),
        Segment::Map { key: name } | Segment::Enum { variant: name } if text.is_empty() => name.clone(),
        Segment::Map { key: name } | Segment::Enum { variant: name } => format!("{text}.{name}"),
        Segment::Unknown => text,
    })
}

pub(crate) fn serialize<E: Serialize + 'static>(payload: &dyn Any) -> Result<Box<RawValue>, serde_json::Error> {
    match payload.downcast_ref::<E>() {
        Some(payload) => serde_json::value::to_raw_value(payload),
        None => Err(error("the payload is of another type")),
    }
}

pub(crate) fn deserialize<E: Event + DeserializeOwned>(_: usize, json: &[u8]) -> Result<Box<dyn Payload>, DecodeError> {
    Ok(Box::new(Loose::new(decode::<E>(json)?)))
}

/// Any JSON at all, as it was written.
pub(crate) fn raw(json: &[u8]) -> Result<Box<dyn Payload>, DecodeError> {
    Ok(Box::new(Loose::new(decode::<Box<RawValue>>(json)?)))
}

/// Serialises an enum in serde's default form, `{"Variant":fields}`, and takes the tag off.
pub(crate) fn serialize_variant<E: Serialize + 'static>(payload: &dyn Any) -> Result<Box<RawValue>, serde_json::Error> {
    let tagged = serialize::<E>(payload)?;
    let fields = match tagged.get().as_bytes() {
        [b'"', ..] => Some("null"),
        [b'{', ..] => untagged(tagged.get()),
        _ => None,
    };
    let fields = fields
        .ok_or_else(|| error("an event enum must be serialised in serde's default form, `{\"Variant\": fields}`"))?;
    RawValue::from_string(fields.to_owned())
}

/// The value in a compact JSON object of one entry.
fn untagged(object: &str) -> Option<&str> {
    let mut escaped = false;
    let key_end = object.bytes().skip(2).position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    object.get(key_end + 3..)?.strip_prefix(':')?.strip_suffix('}')
}

pub(crate) fn deserialize_variant<E: Event + DeserializeOwned>(
    index: usize,
    json: &[u8],
) -> Result<Box<dyn Payload>, DecodeError> {
    let mut track = None;
    let variant = Variant { index: u32::try_from(index).unwrap_or(u32::MAX), json, failed: &mut track };
    match E::deserialize(variant) {
        Ok(event) => Ok(Box::new(Loose::new(event))),
        Err(source) => Err(track.unwrap_or_else(|| DecodeError { path: String::new(), source })),
    }
}

/// An enum whose variant is known already, so that the text holds the fields alone.
struct Variant<'a, 'de> {
    index: u32,
    json: &'de [u8],
    failed: &'a mut Option<DecodeError>,
}

impl<'de> Variant<'_, 'de> {
    fn fields<T>(
        self,
        read: impl FnOnce(serde_path_to_error::Deserializer<'_, '_, &mut Json<'de>>) -> Result<T, serde_json::Error>,
    ) -> Result<T, serde_json::Error> {
        tracked(self.json, read).map_err(|wrong| {
            *self.failed = Some(wrong);
            error("the fields do not fit")
        })
    }
}

impl<'de> Deserializer<'de> for Variant<'_, 'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(error("an event enum must be read in serde's default form, without `tag` or `untagged`"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_enum(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = serde_json::Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Self::Error> {
        let index: U32Deserializer<Self::Error> = serde::de::IntoDeserializer::into_deserializer(self.index);
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = serde_json::Error;

    fn unit_variant(self) -> Result<(), Self::Error> {
        self.fields(|json| serde::Deserialize::deserialize(json))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Self::Error> {
        self.fields(|json| seed.deserialize(json))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Self::Error> {
        self.fields(|json| json.deserialize_tuple(len, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.fields(|json| json.deserialize_struct("", fields, visitor))
    }
}

#[cfg(test)]
mod tests {
    use super::untagged;

    #[test]
    fn the_tag_comes_off_whatever_it_is() {
        assert_eq!(untagged(r#"{"Fed":{"fish":2}}"#), Some(r#"{"fish":2}"#));
        assert_eq!(untagged(r#"{"a\"b\\":[1,2]}"#), Some("[1,2]"));
        assert_eq!(untagged("{}"), None);
    }
}
