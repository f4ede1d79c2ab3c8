//! How an event is written into a message, and read out of it.

mod attributes;
mod beside;
mod cloud_events;
mod headers;
pub(crate) mod media;
mod pair;
mod parts;
mod structured;
#[cfg(any(feature = "amqp", feature = "pubsub", feature = "sqs"))]
mod told;

use std::fmt;

use serde_json::value::RawValue;

use crate::envelope::{Arriving, Envelope};
use crate::wire::shown;
pub(crate) use attributes::check_origin;
pub(crate) use beside::beside;
pub use cloud_events::CloudEvents;
pub use pair::Pair;
#[cfg(any(feature = "amqp", feature = "pubsub", feature = "sqs"))]
pub(crate) use told::Told;

/// A message as a transport carries it: bytes, and text beside them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The media type of the body.
    pub content_type: Option<String>,
    /// What stands beside the body: names and values, in any order.
    pub headers: Vec<(String, String)>,
    /// The bytes.
    pub body: Vec<u8>,
}

impl Message {
    /// The first header that has a name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let known = |(header, _): &&(String, String)| header.eq_ignore_ascii_case(name);
        self.headers.iter().find(known).map(|(_, value)| value.as_str())
    }
}

/// How events are written into messages, and read out of them: as [`CloudEvents`], or as [`Pair`]s.
///
/// Both take what a message says for what a stranger says: nothing in it makes them panic, and their errors are short and
/// fit for a terminal. What they read is bounded by the message alone, whose size is the business of the transport; of all
/// that stands beside the payload, no one text has more than 64 KiB.
///
/// # Examples
///
/// A format of one's own, for senders that know nothing but text:
///
/// ```
/// use events::{Envelope, Format, FormatError, Message};
///
/// struct Line;
///
/// impl Format for Line {
///     fn encode(&self, envelope: &Envelope) -> Result<Message, FormatError> {
///         let body = [envelope.name().as_bytes(), b" ", envelope.payload()].concat();
///         Ok(Message { body, ..Message::default() })
///     }
///
///     fn decode(&self, message: &Message) -> Result<Envelope, FormatError> {
///         let text = str::from_utf8(&message.body).map_err(|_| FormatError::new("the line is not UTF-8"))?;
///         let (name, payload) = text.split_once(' ').ok_or_else(|| FormatError::new("the line has no payload"))?;
///         Ok(Envelope::new(name, payload))
///     }
/// }
///
/// let message = Line.encode(&Envelope::new("cat-fed", r#"{"fish":2}"#))?;
/// assert_eq!(message.body, br#"cat-fed {"fish":2}"#);
/// assert_eq!(Line.decode(&message)?.name(), "cat-fed");
/// # Ok::<_, FormatError>(())
/// ```
pub trait Format: Send + Sync + 'static {
    /// Writes an event.
    ///
    /// # Errors
    ///
    /// When the format has no way to say what the envelope holds.
    fn encode(&self, envelope: &Envelope) -> Result<Message, FormatError>;

    /// Reads an event.
    ///
    /// # Errors
    ///
    /// When the message is not of this format.
    fn decode(&self, message: &Message) -> Result<Envelope, FormatError>;

    /// Reads no more of an event than this process needs, out of the message where it can.
    #[doc(hidden)]
    fn __read<'a>(&self, message: &'a Message) -> Result<Arriving<'a>, FormatError> {
        self.decode(message).map(Arriving::from)
    }
}

/// Why a message is not an event, or an event no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError {
    text: String,
}

impl FormatError {
    /// An error that says what is wrong, and where.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for FormatError {}

/// The payload as JSON, as it is, but for white space around it.
fn json(envelope: &Envelope) -> Result<&RawValue, FormatError> {
    let raw = serde_json::from_slice(envelope.payload());
    raw.map_err(|error| FormatError::new(format!("the payload is not JSON: {}", shown(&error.to_string()))))
}
