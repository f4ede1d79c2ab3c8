//! Messages, between their two forms.

use std::time::{Duration, SystemTime};

use prost::bytes::Bytes;

use super::proto::{PubsubMessage, Timestamp};
use crate::error::BoxError;
use crate::format::{Message, Told};
use crate::rfc3339;

const CONTENT_TYPE: &str = "content-type";

/// What the service takes of one message.
const ATTRIBUTES: usize = 100;
const NAME_LEN: usize = 256;
const VALUE_LEN: usize = 1024;
const KEY_LEN: usize = 1024;

/// What is sent for a message of a format.
pub(super) fn outgoing(message: Message, ordering_key: String) -> Result<PubsubMessage, BoxError> {
    if ordering_key.len() > KEY_LEN {
        let length = ordering_key.len();
        return Err(format!("the ordering key has {length} bytes, and Pub/Sub takes {KEY_LEN}").into());
    }
    let content_type = message.content_type.map(|content_type| (CONTENT_TYPE.to_owned(), content_type));
    // A trace goes on where it can: one that does not fit costs nobody an event.
    let fits = |(name, value): &(String, String)| value.len() <= VALUE_LEN || !name.ends_with("tracestate");
    let attributes: Vec<_> = content_type.into_iter().chain(message.headers.into_iter().filter(fits)).collect();
    if attributes.len() > ATTRIBUTES {
        let count = attributes.len();
        return Err(format!("the message has {count} attributes, and Pub/Sub takes {ATTRIBUTES}").into());
    }
    for (name, value) in &attributes {
        check(name, value)?;
    }
    if attributes.is_empty() && message.body.is_empty() {
        return Err("the message is empty, and Pub/Sub takes none without a byte and without an attribute".into());
    }
    let attributes = attributes.into_iter().collect();
    Ok(PubsubMessage { data: message.body.into(), attributes, ordering_key, ..PubsubMessage::default() })
}

fn check(name: &str, value: &str) -> Result<(), BoxError> {
    if name.is_empty() || name.len() > NAME_LEN {
        let head: String = name.chars().take(40).collect();
        return Err(
            format!("attribute `{head}` has a name of {} bytes: Pub/Sub takes 1 to {NAME_LEN}", name.len()).into()
        );
    }
    if value.len() > VALUE_LEN {
        return Err(format!("attribute `{name}` has {} bytes, and Pub/Sub takes {VALUE_LEN}", value.len()).into());
    }
    Ok(())
}

/// What the rest of the program sees of a message.
pub(super) fn incoming(message: PubsubMessage, delivery_attempt: i32, subscription: &str) -> Message {
    let mut told = Told::by("pubsub");
    told.add("subscription", Some(subscription));
    told.add("message-id", Some(message.message_id));
    told.add("publish-time", message.publish_time.and_then(text));
    told.add("ordering-key", Some(message.ordering_key).filter(|key| !key.is_empty()));
    told.add("delivery-attempt", Some(delivery_attempt).filter(|attempt| *attempt > 0));
    let is_media_type = |(name, _): &(String, String)| name.eq_ignore_ascii_case(CONTENT_TYPE);
    let (stated, attributes): (Vec<_>, Vec<_>) = message.attributes.into_iter().partition(is_media_type);
    let content_type = stated.into_iter().map(|(_, value)| value).next();
    let headers = told.before(attributes);
    Message { content_type, headers, body: message.data.into() }
}

/// The same of what is no message.
pub(super) fn unreadable(bytes: Bytes, delivery_attempt: i32, subscription: &str) -> Message {
    let message = incoming(PubsubMessage { data: bytes, ..PubsubMessage::default() }, delivery_attempt, subscription);
    // Nobody has said that it has an identity.
    let headers = message.headers.into_iter().filter(|(name, _)| name != "pubsub-message-id").collect();
    Message { headers, ..message }
}

fn text(time: Timestamp) -> Option<String> {
    let seconds = Duration::from_secs(u64::try_from(time.seconds).ok()?);
    let nanos = Duration::from_nanos(u64::try_from(time.nanos).ok()?);
    rfc3339::write(SystemTime::UNIX_EPOCH.checked_add(seconds)?.checked_add(nanos)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(headers: &[(&str, usize)], body: &str) -> Message {
        let headers = headers.iter().map(|(name, length)| ((*name).to_owned(), "v".repeat(*length))).collect();
        Message { content_type: None, headers, body: body.into() }
    }

    fn refused(message: Message, key: &str) -> String {
        outgoing(message, key.into()).expect_err("past a limit").to_string()
    }

    #[test]
    fn what_the_service_does_not_take_is_an_error_before_it_is_asked() {
        assert_eq!(
            refused(with(&[("ce-id", 1025)], "1"), ""),
            "attribute `ce-id` has 1025 bytes, and Pub/Sub takes 1024"
        );
        let long = "n".repeat(257);
        let told = format!("attribute `{}` has a name of 257 bytes: Pub/Sub takes 1 to 256", &long[..40]);
        assert_eq!(refused(with(&[(&long, 1)], "1"), ""), told);
        let names: Vec<_> = (0..101).map(|number| number.to_string()).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
        assert_eq!(refused(with(&many, "1"), ""), "the message has 101 attributes, and Pub/Sub takes 100");
        assert_eq!(
            refused(with(&[], "1"), &"k".repeat(1025)),
            "the ordering key has 1025 bytes, and Pub/Sub takes 1024"
        );
        assert_eq!(
            refused(with(&[], ""), ""),
            "the message is empty, and Pub/Sub takes none without a byte and without an attribute"
        );
        assert!(outgoing(with(&many[..100], "1"), "k".repeat(1024)).is_ok());
        assert!(outgoing(with(&[(&long[..256], 1024)], ""), String::new()).is_ok());
    }

    #[test]
    fn a_trace_state_that_does_not_fit_costs_nobody_an_event() {
        let message = outgoing(with(&[("ce-tracestate", 1025), ("ce-traceparent", 55)], "1"), String::new());
        let message = message.expect("it is sent");
        assert_eq!(message.attributes.keys().collect::<Vec<_>>(), ["ce-traceparent"]);
    }

    #[test]
    fn no_attribute_of_the_sender_stands_for_what_the_service_says() {
        let forged =
            [("pubsub-message-id", "forged"), ("Content-Type", "text/plain"), ("pubsub-ordering-key", "forged")];
        let attributes = forged.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let publish_time = Some(Timestamp { seconds: 1_700_000_000, nanos: 5_000_000 });
        let message = PubsubMessage {
            data: "1".into(),
            attributes,
            message_id: "17".into(),
            publish_time,
            ordering_key: "tom".into(),
        };
        let message = incoming(message, 3, "projects/cafe/subscriptions/kitchen");
        assert_eq!(message.header("pubsub-message-id"), Some("17"));
        assert_eq!(message.header("pubsub-ordering-key"), Some("tom"));
        assert_eq!(message.header("pubsub-delivery-attempt"), Some("3"));
        assert_eq!(message.header("pubsub-publish-time"), Some("2023-11-14T22:13:20.005Z"));
        assert_eq!(message.header("pubsub-subscription"), Some("projects/cafe/subscriptions/kitchen"));
        assert_eq!(message.content_type.as_deref(), Some("text/plain"));
    }

    #[test]
    fn times_that_there_are_not_are_left_out() {
        for (seconds, nanos) in [(i64::MAX, 0), (-1, 0), (0, -1), (i64::MIN, i32::MIN)] {
            assert_eq!(text(Timestamp { seconds, nanos }), None);
        }
    }
}
