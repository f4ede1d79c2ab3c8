//! `CloudEvents` 1.0, in its two modes.

use std::borrow::Cow;

use super::attributes::{self, Attributes, Value, Written};
use super::parts::Parts;
use super::{Format, FormatError, Message, headers, media, structured};
use crate::envelope::{Arriving, Envelope};
use crate::wire::shown;

/// `CloudEvents` 1.0: the format that brokers, clouds and other languages know.
///
/// [`structured`](Self::structured) writes one JSON object, payload and all; [`binary`](Self::binary) writes the payload as
/// the body, and all else as headers. Both read both: the mode of a message is told by the message.
///
/// # What becomes what
///
/// | attribute | of the envelope | where it is absent |
/// |---|---|---|
/// | `type` | [`name`](Envelope::name) | an error |
/// | `source` | [`origin`](Envelope::origin): written as a URI reference, read as any text | an error |
/// | `id` | [`id`](Envelope::id) | an error |
/// | `specversion` | exactly `1.0` | an error |
/// | `time` | [`time`](Envelope::time), RFC 3339 | when it is read |
/// | `datacontenttype` | [`content_type`](Envelope::content_type) | `application/json` with `data`; not known otherwise |
/// | `partitionkey` | [`partition_key`](Envelope::partition_key) | none |
/// | `correlationid`, `causationid` | [`correlation`](Envelope::correlation), [`causation`](Envelope::causation) | the event begins a chain |
/// | `traceparent`, `tracestate` | [`trace_parent`](Envelope::trace_parent), [`trace_state`](Envelope::trace_state) | what the headers `traceparent` and `tracestate` say |
/// | `eventhops` | [`hops`](Envelope::hops), where there are any | 0 |
/// | `eventversion` | [`version`](Envelope::version) | not known |
///
/// The last two are extensions of this crate. Other extensions, `subject` and `dataschema` are checked as the specification
/// has it, and left out.
///
/// # Payloads
///
/// JSON, which is `*/json` and `*/*+json`, is never touched: it stands in `data` as the text that it is, without the white space
/// around it. Everything else is base64 in `data_base64`, and read from a text in `data` as well. An event without a payload
/// is read with the payload `null`, or without a byte where its media type is not JSON; a payload whose media type is not
/// known is `application/octet-stream`.
///
/// # Messages
///
/// A message is structured where its media type begins with `application/cloudevents`; binary where a header has
/// `specversion` behind a prefix; and structured where it has neither, for transports that have no media types. Batches and
/// forms other than JSON are errors. Header values are written as they are: HTTP, which has percents for what is not
/// ASCII, is the business of its transport.
///
/// # Errors
///
/// What the specification forbids is not read, and not written: attributes that are missing, empty, of another type, with
/// control characters, or there twice; `data` beside `data_base64`. Nor is an attribute of more than 64 KiB, the size of a
/// whole event up to which others must forward it. Only a trace never makes an event unreadable: one that is broken is
/// left out.
///
/// # The specification
///
/// | what | where |
/// |---|---|
/// | attributes, their names and types | [`CloudEvents` 1.0.2](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md) |
/// | structured mode, `data` and `data_base64` | [JSON format](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md), sections 2 and 3 |
/// | `ce-`, and what tells the modes apart | [HTTP](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md), section 3; [NATS](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/nats-protocol-binding.md); [RabbitMQ](https://github.com/knative-extensions/eventing-rabbitmq/blob/main/cloudevents-protocol-spec/spec.md) |
/// | `cloudEvents_` and `cloudEvents:` | [AMQP 1.0](https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/amqp-protocol-binding.md), section 3.1 |
/// | `partitionkey`, `correlationid`, `traceparent` | [extensions](https://github.com/cloudevents/spec/tree/main/cloudevents/extensions) |
/// | `time` | [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339#section-5.6), section 5.6: a fraction is cut to nanoseconds, and a leap second is the second after it |
///
/// # Examples
///
/// ```
/// use events::{CloudEvents, Envelope, Format};
/// # use std::time::SystemTime;
///
/// let envelope = Envelope::new("cat-fed", r#"{"fish":2}"#).with_id("17").with_origin("/cafe");
/// # let envelope = envelope.with_time(SystemTime::UNIX_EPOCH);
/// let message = CloudEvents::structured().encode(&envelope)?;
/// assert_eq!(message.content_type.as_deref(), Some("application/cloudevents+json"));
/// # let expected = r#"
/// {"specversion":"1.0","type":"cat-fed","source":"/cafe","id":"17","time":"1970-01-01T00:00:00Z",
///  "correlationid":"17","datacontenttype":"application/json","data":{"fish":2}}
/// # "#;
/// # assert_eq!(str::from_utf8(&message.body), Ok(expected.replace("\n ", "").trim()));
///
/// let message = CloudEvents::binary().encode(&envelope)?;
/// assert_eq!(message.body, br#"{"fish":2}"#);
/// assert_eq!(message.header("ce-type"), Some("cat-fed"));
///
/// assert_eq!(CloudEvents::structured().decode(&message)?.name(), "cat-fed");
/// # Ok::<_, events::FormatError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudEvents {
    structured: bool,
    prefix: Cow<'static, str>,
}

impl CloudEvents {
    /// Writes an event as one JSON object.
    pub const fn structured() -> Self {
        Self { structured: true, prefix: Cow::Borrowed(headers::PREFIX) }
    }

    /// Writes the payload as the body, and the attributes as headers whose names begin with `ce-`.
    pub const fn binary() -> Self {
        Self { structured: false, prefix: Cow::Borrowed(headers::PREFIX) }
    }

    /// Has the names of headers begin with something else: `cloudEvents_` or `cloudEvents:` for AMQP 1.0, `ce_` for Kafka,
    /// nothing for MQTT. Of a message that is read, this prefix is looked for first, and then `ce-` and the three others;
    /// the one before `specversion` holds for all of the message.
    ///
    /// # Examples
    ///
    /// ```
    /// use events::{CloudEvents, Envelope, Format};
    ///
    /// let envelope = Envelope::new("cat-fed", r#"{"fish":2}"#).with_id("17").with_origin("/cafe");
    /// let message = CloudEvents::binary().prefix("cloudEvents:").encode(&envelope)?;
    /// assert_eq!(message.header("cloudEvents:id"), Some("17"));
    /// assert_eq!(CloudEvents::binary().decode(&message)?.origin(), "/cafe");
    /// # Ok::<_, events::FormatError>(())
    /// ```
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<Cow<'static, str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The prefix under which a message has attributes.
    fn prefix_of(&self, message: &Message) -> Option<&str> {
        let known = headers::PREFIXES.into_iter();
        let mut tried = std::iter::once(&*self.prefix).chain(known);
        tried.find(|prefix| headers::has(prefix, "specversion", message))
    }
}

impl Format for CloudEvents {
    fn encode(&self, envelope: &Envelope) -> Result<Message, FormatError> {
        let attributes = written(envelope)?;
        if self.structured {
            let body = structured::write(&attributes, envelope)?;
            let headers = headers::trace(&attributes);
            return Ok(Message { content_type: Some(media::CLOUD_EVENT.into()), headers, body });
        }
        let content_type = Some(envelope.content_type().to_owned());
        let headers = headers::write(&self.prefix, &attributes);
        Ok(Message { content_type, headers, body: envelope.payload().to_vec() })
    }

    fn decode(&self, message: &Message) -> Result<Envelope, FormatError> {
        self.read(message)?.envelope()
    }

    fn __read<'a>(&self, message: &'a Message) -> Result<Arriving<'a>, FormatError> {
        self.read(message)?.arriving()
    }
}

impl CloudEvents {
    fn read<'a>(&self, message: &'a Message) -> Result<Parts<'a>, FormatError> {
        let stated = message.content_type.as_deref().map(str::trim_ascii).filter(|stated| !stated.is_empty());
        match (stated.and_then(media::cloud_events), self.prefix_of(message)) {
            (Some(kind), _) if kind.eq_ignore_ascii_case("+json") => structured::read(message),
            (Some(kind), _) => Err(FormatError::new(format!(
                "the body is `application/cloudevents{}`: only `{}` is read, one event in a message",
                shown(kind),
                media::CLOUD_EVENT
            ))),
            (None, Some(prefix)) => binary(headers::read(prefix, message)?, stated, &message.body),
            (None, None) if stated.is_none_or(media::is_json) => structured::read(message),
            (None, None) => Err(FormatError::new(format!(
                "the message is no CloudEvent: it has no header `{}specversion`, and its media type is `{}`",
                shown(&self.prefix),
                shown(stated.unwrap_or_default())
            ))),
        }
    }
}

/// All attributes but the media type of the payload.
fn written(envelope: &Envelope) -> Result<Vec<Written<'_>>, FormatError> {
    for (required, is_empty, with) in [
        ("name", envelope.name().is_empty(), "Envelope::new"),
        ("identity", envelope.id().to_string().is_empty(), "Envelope::with_id"),
        ("origin", envelope.origin().is_empty(), "Envelope::with_origin"),
    ] {
        if is_empty {
            return Err(FormatError::new(format!(
                "the event has no {required}, and a CloudEvent needs one: give it one with `{with}`"
            )));
        }
    }
    attributes::check_media_type(envelope.content_type())?;
    attributes::check("type", envelope.name())?;
    let text = |text| Value::Text(Cow::Borrowed(text));
    let mut written = vec![("specversion", text("1.0")), ("type", text(envelope.name()))];
    written.append(&mut attributes::written(envelope)?);
    Ok(written)
}

/// The event that headers say, with the body as its payload.
fn binary<'a>(
    mut attributes: Attributes<'a>,
    stated: Option<&'a str>,
    body: &'a [u8],
) -> Result<Parts<'a>, FormatError> {
    attributes.check_cloud_event()?;
    let name = attributes.take("type").unwrap_or_default();
    // NATS has no place for a media type but among the headers.
    let stated = stated.map(Cow::Borrowed).or_else(|| attributes.take("datacontenttype"));
    let unstated = if body.is_empty() { media::JSON } else { media::UNKNOWN };
    let media_type = stated.unwrap_or(Cow::Borrowed(unstated));
    Ok(Parts { name, media_type, payload: Cow::Borrowed(body), attributes })
}
