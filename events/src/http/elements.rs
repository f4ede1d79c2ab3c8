//! The elements of a list in JSON, of which there may be too many.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Reads a list: its first elements, at most `limit` of them, and how many there are in all.
pub(super) fn read(json: &[u8], limit: usize) -> Result<(Vec<&RawValue>, usize), serde_json::Error> {
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
