//! Messages, between their two forms.

use std::collections::HashMap;

use aws_sdk_sqs::types::{self, MessageAttributeValue, MessageSystemAttributeName as System};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::envelope::Envelope;
use crate::error::BoxError;
use crate::format::{Message, Told};
use crate::telemetry::Trace;
use crate::wire::shown;

/// How much a message may have, its attributes included, and how much all messages of one call.
pub(super) const MAX_BYTES: usize = 1_048_576;
const MAX_ATTRIBUTES: usize = 10;
const MAX_NAME: usize = 256;
/// Of the identity of a group, or of a message to be known again by.
const MAX_ID: usize = 128;
const CONTENT_TYPE: &str = "content-type";

type Attributes = HashMap<String, MessageAttributeValue>;

/// What a message of the service has, beside what handlers see.
#[derive(Debug)]
pub(super) struct Original {
    pub(super) attributes: Attributes,
    pub(super) group: Option<String>,
    /// How often it was received, this time included.
    pub(super) receives: u32,
}

/// What the rest of the program sees of a message, and what it has besides.
pub(super) fn received(message: types::Message) -> (Message, Original) {
    let mut system = message.attributes.unwrap_or_default();
    let attributes = message.message_attributes.unwrap_or_default();
    let mut told = Told::by("sqs");
    told.add("message-id", message.message_id);
    for (attribute, header) in HEADERS {
        told.add(header, system.get(&attribute));
    }
    let own = attributes.iter().map(|(name, value)| (name.clone(), text(value)));
    let headers = told.before(own.filter(|(name, _)| !name.eq_ignore_ascii_case(CONTENT_TYPE)));
    let stated = attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(CONTENT_TYPE));
    let content_type = stated.map(|(_, value)| text(value));
    let receives = system.get(&System::ApproximateReceiveCount).and_then(|count| count.parse().ok()).unwrap_or(1);
    let original = Original { attributes, group: system.remove(&System::MessageGroupId), receives };
    (Message { content_type, headers, body: message.body.unwrap_or_default().into_bytes() }, original)
}

/// The trace that a message was sent in.
pub(super) fn trace(message: &types::Message) -> Trace {
    let attributes = message.message_attributes.as_ref();
    let said = |name| attributes.and_then(|all| all.get(name)?.string_value());
    Trace::read(said("traceparent"), said("tracestate"))
}

const HEADERS: [(System, &str); 9] = [
    (System::ApproximateReceiveCount, "approximate-receive-count"),
    (System::ApproximateFirstReceiveTimestamp, "approximate-first-receive-timestamp"),
    (System::SentTimestamp, "sent-timestamp"),
    (System::SenderId, "sender-id"),
    (System::MessageGroupId, "message-group-id"),
    (System::MessageDeduplicationId, "message-deduplication-id"),
    (System::SequenceNumber, "sequence-number"),
    (System::DeadLetterQueueSourceArn, "dead-letter-queue-source-arn"),
    (System::AwsTraceHeader, "aws-trace-header"),
];

fn text(value: &MessageAttributeValue) -> String {
    match (&value.string_value, &value.binary_value) {
        (Some(text), _) => text.clone(),
        (None, Some(bytes)) => STANDARD.encode(bytes),
        (None, None) => String::new(),
    }
}

/// A message that is ready to be sent.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) body: String,
    pub(super) attributes: Attributes,
    pub(super) group: Option<String>,
    pub(super) deduplication: Option<String>,
    /// As the service counts them.
    pub(super) bytes: usize,
}

impl Draft {
    pub(super) fn new(envelope: &Envelope, message: Message) -> Result<Self, BoxError> {
        let attributes = attributes(envelope, &message)?;
        let body = String::from_utf8(message.body);
        let body =
            body.map_err(|_| "the body is not UTF-8, and a message of SQS is text: use `CloudEvents::structured`")?;
        if body.is_empty() {
            return Err("the body is empty, and a message of SQS has one character at least".into());
        }
        check_characters("the body", &body)?;
        let beside: usize =
            attributes.iter().map(|(name, value)| name.len() + value.data_type.len() + text(value).len()).sum();
        let bytes = body.len() + beside;
        if bytes > MAX_BYTES {
            return Err(format!(
                "the message has {bytes} bytes, {} in its body and {beside} in its attributes: SQS takes {MAX_BYTES}",
                body.len()
            )
            .into());
        }
        Ok(Self { body, attributes, group: None, deduplication: None, bytes })
    }
}

/// What stands beside the body: what the format says, and a few copies for those that filter.
fn attributes(envelope: &Envelope, message: &Message) -> Result<Attributes, BoxError> {
    // There is little room, so that the trace is said once: where whoever traces looks for it.
    let is_twin = |name: &str| name.ends_with("-traceparent") || name.ends_with("-tracestate");
    let said = message.headers.iter().filter(|(name, _)| !is_twin(name));
    let mut all: Vec<(&str, String)> = said.map(|(name, value)| (&**name, value.clone())).collect();
    if message.content_type.as_deref().is_some_and(|stated| stated.starts_with("application/cloudevents")) {
        all.push(("ce-type", envelope.name().to_owned()));
        all.push(("ce-id", envelope.id().to_string()));
    }
    // Those who read JSON need not be told, where there is no room for it.
    let is_needed = all.len() < MAX_ATTRIBUTES || message.content_type.as_deref() != Some("application/json");
    all.extend(message.content_type.clone().filter(|_| is_needed).map(|stated| (CONTENT_TYPE, stated)));
    if all.len() > MAX_ATTRIBUTES {
        return Err(format!(
            "the message has {} attributes, and SQS takes {MAX_ATTRIBUTES}: use `CloudEvents::structured`, which needs five at most",
            all.len()
        )
        .into());
    }
    let mut attributes = HashMap::with_capacity(all.len());
    for (name, value) in all {
        check_name(name)?;
        check_characters(&format!("attribute `{}`", shown(name)), &value)?;
        if value.is_empty() {
            return Err(format!("attribute `{}` is empty, which SQS does not allow", shown(name)).into());
        }
        let attribute = MessageAttributeValue::builder().data_type("String").string_value(value).build()?;
        if attributes.insert(name.to_owned(), attribute).is_some() {
            return Err(format!("attribute `{name}` stands twice, which SQS does not allow").into());
        }
    }
    Ok(attributes)
}

fn check_name(name: &str) -> Result<(), BoxError> {
    let starts = |prefix: &str| name.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    let is_good = (1..=MAX_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && !starts("aws.")
        && !starts("amazon.");
    if is_good {
        return Ok(());
    }
    Err(format!(
        "`{}` is no name of an attribute in SQS: those have {MAX_NAME} characters at most, of `A` to `Z`, `a` to `z`, digits, \
         `_`, `-` and single full stops inside, and do not begin with `AWS.` or `Amazon.`",
        shown(name)
    )
    .into())
}

/// The service refuses all others, and a whole call with them.
fn check_characters(what: &str, text: &str) -> Result<(), BoxError> {
    let is_allowed =
        |c: char| !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
    match text.char_indices().find(|(_, c)| !is_allowed(*c)) {
        Some((at, c)) => {
            Err(format!("{what} has U+{:04X} at byte {at}, a character that SQS does not allow", c as u32).into())
        }
        None => Ok(()),
    }
}

/// An identity as the service takes it: the text, or its hash where it has other characters or too many.
pub(super) fn id(text: String) -> String {
    let fits = (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { text } else { hash([text.as_bytes()]) }
}

/// The identity of an event and its origin, which no other event has.
pub(super) fn deduplication(envelope: &Envelope) -> Option<String> {
    let id = envelope.id();
    (!id.is_empty()).then(|| hash([envelope.origin().as_bytes(), id.to_string().as_bytes()]))
}

fn hash<const N: usize>(parts: [&[u8]; N]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]));
    hasher.finalize().iter().flat_map(digits).collect()
}
