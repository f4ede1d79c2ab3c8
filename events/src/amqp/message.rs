//! Messages, between their two forms.

use std::time::UNIX_EPOCH;

use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable};
use serde_json::{Map, Value};

use super::link::short;
use crate::envelope::Envelope;
use crate::error::BoxError;
use crate::format::{Message, Told};

/// The broker keeps the message when it starts anew.
const PERSISTENT: u8 = 2;
/// They travel in one frame, which has 131,072 bytes unless the broker says otherwise.
const HEADERS_LIMIT: usize = 65_536;

/// What the rest of the program sees of a delivery.
pub(super) fn received(delivery: Delivery) -> Message {
    let properties = &delivery.properties;
    let mut told = Told::by("amqp");
    told.add("exchange", Some(&delivery.exchange));
    told.add("routing-key", Some(&delivery.routing_key));
    told.add("redelivered", Some(delivery.redelivered));
    told.add("delivery-tag", Some(delivery.delivery_tag));
    told.add("message-id", properties.message_id().as_ref());
    told.add("correlation-id", properties.correlation_id().as_ref());
    told.add("type", properties.kind().as_ref());
    told.add("timestamp", *properties.timestamp());
    told.add("content-encoding", properties.content_encoding().as_ref());
    told.add("delivery-mode", *properties.delivery_mode());
    told.add("priority", *properties.priority());
    told.add("reply-to", properties.reply_to().as_ref());
    told.add("expiration", properties.expiration().as_ref());
    told.add("user-id", properties.user_id().as_ref());
    told.add("app-id", properties.app_id().as_ref());
    let own = properties.headers().as_ref().into_iter().flatten();
    let headers = told.before(own.map(|(name, value)| (name.to_string(), text(value))));
    Message { content_type: properties.content_type().as_ref().map(ToString::to_string), headers, body: delivery.data }
}

/// How deep tables and arrays of a header may be nested.
pub(super) const MAX_DEPTH: usize = 32;
/// What stands where they are nested deeper.
pub(super) const TOO_DEEP: &str = "nested too deeply";

fn text(value: &AMQPValue) -> String {
    match json(value, MAX_DEPTH) {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn json(value: &AMQPValue, depth: usize) -> Value {
    match value {
        AMQPValue::FieldArray(_) | AMQPValue::FieldTable(_) if depth == 0 => TOO_DEEP.into(),
        AMQPValue::Boolean(value) => (*value).into(),
        AMQPValue::ShortShortInt(value) => (*value).into(),
        AMQPValue::ShortShortUInt(value) => (*value).into(),
        AMQPValue::ShortInt(value) => (*value).into(),
        AMQPValue::ShortUInt(value) => (*value).into(),
        AMQPValue::LongInt(value) => (*value).into(),
        AMQPValue::LongUInt(value) => (*value).into(),
        AMQPValue::LongLongInt(value) => (*value).into(),
        AMQPValue::Float(value) => (*value).into(),
        AMQPValue::Double(value) => (*value).into(),
        AMQPValue::DecimalValue(value) => decimal(value.value, value.scale).into(),
        AMQPValue::ShortString(value) => value.to_string().into(),
        AMQPValue::LongString(value) => value.to_string().into(),
        AMQPValue::FieldArray(values) => values.as_slice().iter().map(|value| json(value, depth - 1)).collect(),
        AMQPValue::Timestamp(value) => (*value).into(),
        AMQPValue::FieldTable(table) => {
            let fields = table.into_iter().map(|(name, value)| (name.to_string(), json(value, depth - 1)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        AMQPValue::ByteArray(value) => String::from_utf8_lossy(value.as_slice()).into(),
        AMQPValue::Void => Value::Null,
    }
}

/// A number with `scale` digits behind the point.
fn decimal(value: u32, scale: u8) -> String {
    let scale = usize::from(scale);
    let digits = format!("{value:0>width$}", width = scale + 1);
    match digits.split_at(digits.len() - scale) {
        (whole, "") => whole.to_owned(),
        (whole, rest) => format!("{whole}.{rest}"),
    }
}

/// What goes beside the body of a message that says what the envelope holds.
pub(super) fn properties(
    envelope: &Envelope,
    content_type: Option<String>,
    headers: Vec<(String, String)>,
) -> Result<BasicProperties, BoxError> {
    let length: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if length > HEADERS_LIMIT {
        return Err(format!("the headers of the message have {length} bytes, more than {HEADERS_LIMIT}").into());
    }
    let mut table = FieldTable::default();
    for (name, value) in headers {
        table.insert(short(name)?, AMQPValue::LongString(value.into()));
    }
    let mut properties = BasicProperties::default().with_delivery_mode(PERSISTENT).with_headers(table);
    if let Some(content_type) = content_type {
        properties = properties.with_content_type(short(content_type)?);
    }
    // These are for the eyes of others: what the format says is what counts, so those that do not fit are left out.
    if let Ok(name) = short(envelope.name()) {
        properties = properties.with_type(name);
    }
    if let Ok(id) = short(envelope.id().to_string()) {
        properties = properties.with_message_id(id);
    }
    if let Ok(correlation) = short(envelope.correlation().to_string()) {
        properties = properties.with_correlation_id(correlation);
    }
    if let Ok(since) = envelope.time().duration_since(UNIX_EPOCH) {
        properties = properties.with_timestamp(since.as_secs());
    }
    Ok(properties)
}

#[cfg(test)]
mod tests {
    use lapin::types::{ByteArray, DecimalValue, FieldArray};

    use super::*;

    #[test]
    fn values_of_every_type_are_text() {
        let mut table = FieldTable::default();
        table.insert("queue".into(), AMQPValue::LongString("kitchen".into()));
        table.insert("count".into(), AMQPValue::LongLongInt(3));
        let table = AMQPValue::FieldTable(table);
        for (value, expected) in [
            (AMQPValue::Boolean(true), "true"),
            (AMQPValue::ShortShortInt(-1), "-1"),
            (AMQPValue::LongLongInt(i64::MIN), "-9223372036854775808"),
            (AMQPValue::Timestamp(u64::MAX), "18446744073709551615"),
            (AMQPValue::Double(1.5), "1.5"),
            (AMQPValue::Double(f64::NAN), ""),
            (AMQPValue::DecimalValue(DecimalValue { scale: 2, value: 5 }), "0.05"),
            (AMQPValue::DecimalValue(DecimalValue { scale: 0, value: 5 }), "5"),
            (AMQPValue::DecimalValue(DecimalValue { scale: 1, value: 123 }), "12.3"),
            (AMQPValue::LongString(vec![0xff, b'a'].into()), "\u{fffd}a"),
            (AMQPValue::ByteArray(ByteArray::from(&b"ab"[..])), "ab"),
            (AMQPValue::Void, ""),
            (AMQPValue::FieldArray(FieldArray::from(vec![table])), r#"[{"count":3,"queue":"kitchen"}]"#),
        ] {
            assert_eq!(text(&value), expected, "{value:?}");
        }
    }

    #[test]
    fn what_is_nested_too_deeply_is_said_to_be() {
        let nested = |depth| {
            (1..depth).fold(AMQPValue::FieldArray(FieldArray::default()), |inner, level| match level % 2 {
                0 => AMQPValue::FieldArray(FieldArray::from(vec![inner])),
                _ => {
                    let mut table = FieldTable::default();
                    table.insert("a".into(), inner);
                    AMQPValue::FieldTable(table)
                }
            })
        };
        let deepest = text(&nested(MAX_DEPTH));
        assert_eq!((deepest.matches(['[', '{']).count(), deepest.contains(TOO_DEEP)), (MAX_DEPTH, false), "{deepest}");
        for depth in [MAX_DEPTH + 1, 100] {
            let text = text(&nested(depth));
            assert_eq!((text.matches(['[', '{']).count(), text.matches(TOO_DEEP).count()), (MAX_DEPTH, 1), "{text}");
        }
    }
}
