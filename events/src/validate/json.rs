//! Looks into a JSON text, one level at a time, in the order in which it was written.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::wire;

/// A value longer than this is cut.
const SHOWN_LEN: usize = 64;

/// What stands in a value.
pub(super) enum Entries<'a> {
    Map(Vec<(String, &'a RawValue)>),
    List(Vec<&'a RawValue>),
    None,
}

impl<'a> Entries<'a> {
    pub(super) fn of(value: Option<&'a RawValue>) -> Self {
        value.and_then(|value| serde_json::from_str(value.get()).ok()).unwrap_or(Self::None)
    }

    /// The position, the key and the value of a field: under its own name, or under the one that a rule of
    /// `#[serde(rename_all = ..)]` made of it.
    pub(super) fn field(&self, name: &str) -> Option<(usize, &str, &'a RawValue)> {
        let Self::Map(entries) = self else { return None };
        let exact = entries.iter().position(|(key, _)| key == name);
        let at = exact.or_else(|| entries.iter().position(|(key, _)| folded(key).eq(folded(name))))?;
        entries.get(at).map(|(key, value)| (at, key.as_str(), *value))
    }

    /// The path from the value to what stands at a position in it, and that itself.
    pub(super) fn item(&self, path: &str, at: usize) -> (String, Option<&'a RawValue>) {
        match self {
            Self::Map(entries) if at < entries.len() => {
                let (key, value) = &entries[at];
                (joined(path, key), Some(value))
            }
            Self::List(items) => (format!("{path}[{at}]"), items.get(at).copied()),
            Self::Map(_) | Self::None => (format!("{path}[{at}]"), None),
        }
    }
}

/// The path of a field, from the path of what it stands in.
pub(super) fn joined(path: &str, name: &str) -> String {
    // A key may be as long as a payload, and is repeated for each rule that is broken below it.
    let name = wire::shown(name);
    if path.is_empty() || name.starts_with('[') { format!("{path}{name}") } else { format!("{path}.{name}") }
}

fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|character| !matches!(character, '_' | '-')).flat_map(char::to_lowercase)
}

/// A value as JSON, short enough for a message.
pub(super) fn shown(json: &str) -> String {
    if json.len() <= SHOWN_LEN {
        return without_controls(json);
    }
    let text: Cow<'_, str> = serde_json::from_str(json).map_or(Cow::Borrowed(json), Cow::Owned::<str>);
    let beginning = &text[..text.floor_char_boundary(SHOWN_LEN)];
    without_controls(&serde_json::Value::from(format!("{beginning}.. ({} bytes)", text.len())).to_string())
}

/// The same JSON, fit for a terminal.
fn without_controls(json: &str) -> String {
    json.chars().fold(String::with_capacity(json.len()), |mut shown, c| {
        match c {
            // Inside of texts these are escaped already.
            '\0'..' ' => shown.push(' '),
            c if c.is_control() => drop(write!(shown, "\\u{:04x}", u32::from(c))),
            c => shown.push(c),
        }
        shown
    })
}

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries::Map(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Entries::List(items))
    }
}
