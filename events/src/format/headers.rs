//! Attributes as headers: with a prefix before their names.

use std::borrow::Cow;

use super::attributes::{self, Attributes, Written};
use super::{FormatError, Message};

/// What is written unless somebody asks for something else.
pub(super) const PREFIX: &str = "ce-";

/// What transports have, by the bindings of `CloudEvents`: HTTP, NATS and Pub/Sub, Kafka, and AMQP in two ways.
pub(super) const PREFIXES: [&str; 4] = [PREFIX, "ce_", "cloudEvents_", "cloudEvents:"];

/// All attributes under a prefix, and the trace once more, where whoever traces looks for it.
pub(super) fn write(prefix: &str, attributes: &[Written<'_>]) -> Vec<(String, String)> {
    let mut headers: Vec<_> =
        attributes.iter().map(|(name, value)| (format!("{prefix}{name}"), value.to_string())).collect();
    if !prefix.is_empty() {
        headers.append(&mut trace(attributes));
    }
    headers
}

/// The headers of W3C Trace Context, which are plain text on every transport: one that is not is left out.
pub(super) fn trace(attributes: &[Written<'_>]) -> Vec<(String, String)> {
    let traces = attributes.iter().filter(|(name, _)| attributes::is_trace(name));
    let texts = traces.map(|(name, value)| ((*name).to_owned(), value.to_string()));
    texts.filter(|(_, text)| text.bytes().all(|byte| matches!(byte, b' '..=b'~'))).collect()
}

/// Whether a message has an attribute under a prefix, in whatever case.
pub(super) fn has(prefix: &str, attribute: &str, message: &Message) -> bool {
    message.headers.iter().any(|(header, _)| {
        header
            .split_at_checked(prefix.len())
            .is_some_and(|(head, name)| name.eq_ignore_ascii_case(attribute) && head.eq_ignore_ascii_case(prefix))
    })
}

/// How many hops a message says that it has come, whoever reads the rest of it: behind any prefix, in whatever case.
pub(super) fn hops(message: &Message) -> u32 {
    const NAME: &str = "eventhops";
    let said = |(header, value): &(String, String)| {
        let name = header.get(header.len().checked_sub(NAME.len())?..)?;
        name.eq_ignore_ascii_case(NAME).then(|| value.parse().ok()).flatten()
    };
    message.headers.iter().filter_map(said).max().unwrap_or_default()
}

/// The attributes under one prefix, in whatever case.
pub(super) fn read<'a>(prefix: &str, message: &'a Message) -> Result<Attributes<'a>, FormatError> {
    let mut attributes = Attributes::default();
    for (header, value) in &message.headers {
        let Some((head, name)) = header.split_at_checked(prefix.len()) else { continue };
        // Most write it as it is written here, which is seen at once.
        if head == prefix || head.eq_ignore_ascii_case(prefix) {
            attributes.set(name, Cow::Borrowed(value))?;
        }
    }
    attributes.set_trace(message)?;
    Ok(attributes)
}
