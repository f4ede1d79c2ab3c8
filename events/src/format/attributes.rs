//! What travels beside a payload, as `CloudEvents` names it: one mapping, for all formats.

use std::borrow::Cow;
use std::fmt;

use super::{FormatError, Message, media};
use crate::envelope::{Beside, Envelope};
use crate::metadata::EventId;
use crate::rfc3339;
use crate::telemetry::Trace;
use crate::wire::shown;

/// The attributes that say something to us. All others are extensions that nobody here asks for.
const NAMES: [&str; 15] = [
    "specversion",
    "type",
    "source",
    "id",
    "time",
    "datacontenttype",
    "dataschema",
    "subject",
    "partitionkey",
    "correlationid",
    "causationid",
    "traceparent",
    "tracestate",
    "eventhops",
    "eventversion",
];

/// How many of them are in the specification's core, and are never a number or a boolean.
const CORE: usize = 8;

/// Whoever forwards `CloudEvents` need not forward an event that is longer: no one attribute of it can be.
const MAX_LEN: usize = 64 * 1024;

/// What an attribute is written as.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Integer(i32),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Integer(number) => write!(f, "{number}"),
        }
    }
}

/// A name and a value, ready to be written.
pub(super) type Written<'a> = (&'static str, Value<'a>);

/// Everything that an envelope says of its event, but for its name and its media type.
pub(super) fn written(envelope: &Envelope) -> Result<Vec<Written<'_>>, FormatError> {
    let time = rfc3339::write(envelope.time())
        .ok_or_else(|| FormatError::new("the time of the event is not in the years 0000 to 9999"))?;
    let owned = |text: String| Some(Cow::Owned(text));
    let texts = [
        ("source", Some(Cow::Borrowed(envelope.origin()))),
        ("id", owned(envelope.id().to_string())),
        ("time", owned(time)),
        ("partitionkey", envelope.partition_key().map(Cow::Borrowed)),
        ("correlationid", owned(envelope.correlation().to_string())),
        ("causationid", envelope.causation().and_then(|id| owned(id.to_string()))),
        ("traceparent", envelope.trace_parent().map(Cow::Borrowed)),
        ("tracestate", envelope.trace_state().map(Cow::Borrowed)),
    ];
    let mut written = Vec::with_capacity(NAMES.len());
    for (name, text) in texts {
        let Some(text) = text.filter(|text| !text.is_empty()) else { continue };
        check(name, &text)?;
        written.push((name, Value::Text(text)));
    }
    check_origin(envelope.origin())?;
    let hops = Some(envelope.hops()).filter(|hops| *hops != 0);
    for (name, number) in [("eventhops", hops), ("eventversion", envelope.version())] {
        let Some(number) = number else { continue };
        let number = i32::try_from(number).map_err(|_| {
            FormatError::new(format!("`{name}` is {number}: `CloudEvents` has no whole number above {}", i32::MAX))
        })?;
        written.push((name, Value::Integer(number)));
    }
    Ok(written)
}

/// Whether an attribute is one of W3C Trace Context.
pub(super) fn is_trace(name: &str) -> bool {
    matches!(name, "traceparent" | "tracestate")
}

/// # Errors
///
/// When an attribute must not have that text.
pub(super) fn check(name: &str, text: &str) -> Result<(), FormatError> {
    if text.len() > MAX_LEN {
        return Err(FormatError::new(format!(
            "attribute `{name}` has {} bytes: more than {MAX_LEN} are not written and not read",
            text.len()
        )));
    }
    if is_plain(text) {
        return Ok(());
    }
    match text.chars().find(|c| c.is_control() || is_noncharacter(*c)) {
        Some(c) => Err(FormatError::new(format!(
            "attribute `{name}` contains U+{:04X}: `CloudEvents` has no control characters or noncharacters in texts",
            u32::from(c)
        ))),
        None => Ok(()),
    }
}

/// # Errors
///
/// When the text is no media type.
pub(super) fn check_media_type(text: &str) -> Result<(), FormatError> {
    if text == media::JSON {
        return Ok(());
    }
    check("datacontenttype", text)?;
    if media::is_media_type(text) {
        return Ok(());
    }
    Err(FormatError::new(format!("`{}` is no media type: one has the form `application/json`", shown(text))))
}

/// Whether it is made of what ASCII has to show. All bytes are looked at, so that many are at a time.
fn is_plain(text: &str) -> bool {
    text.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'))
}

/// What Unicode will never give a meaning.
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

/// RFC 3986 has few characters; all others are written as percent and their bytes.
///
/// # Errors
///
/// When the text is no URI reference.
pub(crate) fn check_origin(origin: &str) -> Result<(), FormatError> {
    let is_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(&byte);
    let mut parts = origin.split('%');
    let first = parts.next().unwrap_or_default();
    let is_escaped = |part: &str| part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    let mut all = std::iter::once((first, true)).chain(parts.map(|part| (part, is_escaped(part))));
    if all.all(|(part, escaped)| escaped && part.bytes().all(is_byte)) {
        return Ok(());
    }
    Err(FormatError::new(format!(
        "the origin `{}` is no URI reference, which has no white space and no letters but those of ASCII: change it with \
         `LifespanBuilder::origin` or `Envelope::with_origin`",
        shown(origin)
    )))
}

/// The place of a name, in whatever case.
fn position(name: &str) -> Option<usize> {
    let exactly = NAMES.iter().position(|known| *known == name);
    exactly.or_else(|| NAMES.iter().position(|known| known.eq_ignore_ascii_case(name)))
}

/// What a message says of its event.
#[derive(Debug, Default)]
pub(super) struct Attributes<'a>([Option<Cow<'a, str>>; NAMES.len()]);

impl<'a> Attributes<'a> {
    /// Whether an attribute is one of the specification's core, and so a text.
    pub(super) fn is_core(name: &str) -> bool {
        NAMES[..CORE].contains(&name)
    }

    /// Keeps an attribute, unless nobody asks for it.
    ///
    /// # Errors
    ///
    /// When it stands twice, or cannot have that text.
    pub(super) fn set(&mut self, name: &str, text: Cow<'a, str>) -> Result<(), FormatError> {
        let Some(at) = position(name) else { return Ok(()) };
        let name = NAMES[at];
        if self.0[at].is_some() {
            return Err(FormatError::new(format!("attribute `{name}` stands twice")));
        }
        // Traces go on where they can: a broken one costs nobody an event.
        if is_trace(name) && (text.is_empty() || check(name, &text).is_err()) {
            return Ok(());
        }
        check(name, &text)?;
        if text.is_empty() {
            return Err(FormatError::new(format!("attribute `{name}` is empty: leave it out, or give it a value")));
        }
        self.0[at] = Some(text);
        Ok(())
    }

    /// Where no attribute says it, the trace is that of the headers of W3C Trace Context.
    pub(super) fn set_trace(&mut self, message: &'a Message) -> Result<(), FormatError> {
        if self.get("traceparent").is_some() {
            return Ok(());
        }
        for name in ["traceparent", "tracestate"] {
            if let Some(at) = position(name) {
                self.0[at] = None;
            }
            self.set(name, Cow::Borrowed(message.header(name).unwrap_or_default()))?;
        }
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0[position(name)?].as_deref()
    }

    /// Checks that everything is there that `CloudEvents` requires.
    ///
    /// # Errors
    ///
    /// When something is not.
    pub(super) fn check_cloud_event(&self) -> Result<(), FormatError> {
        let required = |name: &str| {
            self.get(name).ok_or_else(|| {
                FormatError::new(format!(
                    "attribute `{name}` is missing: a CloudEvent has `specversion`, `type`, `source` and `id`"
                ))
            })
        };
        match required("specversion")? {
            "1.0" => required("source").and(required("id")).and(required("type")).map(drop),
            version => {
                let version = shown(version);
                Err(FormatError::new(format!("attribute `specversion` is `{version}`: only `1.0` is read")))
            }
        }
    }

    /// Takes an attribute out.
    pub(super) fn take(&mut self, name: &str) -> Option<Cow<'a, str>> {
        self.0[position(name)?].take()
    }

    /// What this process needs of all that was said beside the name and the payload.
    pub(super) fn beside(&self) -> Result<Beside, FormatError> {
        let time = self.get("time").map(|text| {
            rfc3339::read(text).ok_or_else(|| {
                FormatError::new(format!(
                    "attribute `time` is `{}`: a time has the form `2026-08-22T10:00:00Z`, as in RFC 3339",
                    shown(text)
                ))
            })
        });
        let [own, correlation, causation] = ["id", "correlationid", "causationid"].map(|name| self.get(name));
        Ok(Beside {
            id: own.map(EventId::of_text),
            time: time.transpose()?,
            correlation: correlation.filter(|_| correlation != own).map(EventId::of_text),
            causation: causation.map(EventId::of_text),
            hops: self.number("eventhops")?.unwrap_or_default(),
            partition_key: self.get("partitionkey").map(Into::into),
            trace: Trace::read(self.get("traceparent"), self.get("tracestate")),
            version: self.number("eventversion")?,
        })
    }

    fn number(&self, name: &str) -> Result<Option<u32>, FormatError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| is_digits && *number <= i32::MAX.unsigned_abs());
        number.map(Some).ok_or_else(|| {
            FormatError::new(format!(
                "attribute `{name}` is `{}`: must be a whole number from 0 to {}",
                shown(text),
                i32::MAX
            ))
        })
    }
}
