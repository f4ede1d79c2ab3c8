//! Messages beside those of the `CloudEvents` SDKs of Python and JavaScript: theirs are read, and ours are what they have
//! read. `tests/data/cloudevents/sdk.py` and `sdk.mjs` ask them; `CLOUDEVENTS=overwrite` writes ours anew.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use events::{CloudEvents, Envelope, Format, Message};
use serde_json::{Map, Value, json};

const EVENTS: &str = include_str!("../data/cloudevents/events.json");
const PYTHON: &str = include_str!("../data/cloudevents/python.json");
const NODE: &str = include_str!("../data/cloudevents/node.json");

fn parse(json: &str) -> Vec<Value> {
    serde_json::from_str(json).expect("a list")
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value[key].as_str()
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.as_bytes().to_vec(),
        list => serde_json::from_value(list.clone()).expect("a list of bytes"),
    }
}

/// The event of the list, as an envelope.
fn envelope(event: &Value) -> Envelope {
    let payload = match (event.get("data"), event.get("text"), event.get("bytes")) {
        (Some(data), None, None) => data.to_string().into_bytes(),
        (None, Some(other), None) | (None, None, Some(other)) => bytes(other),
        _ => panic!("one payload"),
    };
    let get = |key| text(event, key).unwrap_or_else(|| panic!("no {key} in {event}"));
    let time: jiff::Timestamp = get("time").parse().expect("a time");
    let millis = u64::try_from(time.as_millisecond()).expect("a time since 1970");
    let mut envelope = Envelope::new(get("type"), payload)
        .with_id(get("id"))
        .with_origin(get("source"))
        .with_content_type(get("datacontenttype"))
        .with_correlation(get("correlationid"))
        .with_time(UNIX_EPOCH + Duration::from_millis(millis));
    if let Some(id) = text(event, "causationid") {
        envelope = envelope.with_causation(id);
    }
    if let Some(key) = text(event, "partitionkey") {
        envelope = envelope.with_partition_key(key);
    }
    if let Some(parent) = text(event, "traceparent") {
        envelope = envelope.with_trace(parent, text(event, "tracestate"));
    }
    let number = |key: &str| event[key].as_u64().map(|number| u32::try_from(number).expect("small"));
    if let Some(hops) = number("eventhops") {
        envelope = envelope.with_hops(hops);
    }
    match number("eventversion") {
        Some(version) => envelope.with_version(version),
        None => envelope,
    }
}

/// All that an envelope says, its payload parsed where it is JSON.
fn said(envelope: &Envelope) -> Value {
    let payload = envelope.payload();
    json!({
        "name": envelope.name(),
        "id": envelope.id().to_string(),
        "time": format!("{:?}", envelope.time()),
        "origin": envelope.origin(),
        "correlation": envelope.correlation().to_string(),
        "causation": envelope.causation().map(ToString::to_string),
        "hops": envelope.hops(),
        "version": envelope.version(),
        "content_type": envelope.content_type(),
        "partition_key": envelope.partition_key(),
        "trace": [envelope.trace_parent(), envelope.trace_state()],
        "payload": if envelope.content_type().ends_with("json") {
            serde_json::from_slice(payload).expect("JSON")
        } else {
            json!(payload)
        },
    })
}

fn message(value: &Value) -> Message {
    let headers = value["headers"].as_object().expect("headers");
    let header = |(name, value): (&String, &Value)| (name.clone(), value.as_str().expect("a text").to_owned());
    Message {
        content_type: text(value, "content_type").map(ToOwned::to_owned),
        headers: headers.iter().map(header).collect(),
        body: bytes(&value["body"]),
    }
}

#[test]
fn what_they_write_is_read() {
    let events = parse(EVENTS);
    for (answers, count) in [(PYTHON, 32), (NODE, 8)] {
        let answers: Value = serde_json::from_str(answers).expect("JSON");
        let messages = answers["messages"].as_array().expect("a list");
        assert_eq!(messages.len(), count, "{}", answers["sdk"]);
        for written in messages {
            let event = &events[usize::try_from(written["event"].as_u64().expect("a number")).expect("small")];
            let where_from = format!("{} {}", answers["sdk"], written["how"]);
            let read = CloudEvents::structured().decode(&message(written)).expect(&where_from);
            assert_eq!(said(&read), said(&envelope(event)), "{where_from}");
        }
    }
}

#[test]
fn what_is_written_is_what_they_have_read() {
    let formats = [
        ("structured", CloudEvents::structured()),
        ("ce-", CloudEvents::binary()),
        ("cloudEvents_", CloudEvents::binary().prefix("cloudEvents_")),
    ];
    let mut ours = Vec::new();
    for (at, event) in parse(EVENTS).iter().enumerate() {
        for (how, format) in &formats {
            let Message { content_type, headers, body } = format.encode(&envelope(event)).expect(how);
            let headers: Map<String, Value> = headers.into_iter().map(|(name, value)| (name, value.into())).collect();
            let body = String::from_utf8(body).map_or_else(|error| json!(error.as_bytes()), Value::from);
            ours.push(json!({"event": at, "how": how, "content_type": content_type, "headers": headers, "body": body}));
        }
    }
    let ours = serde_json::to_string_pretty(&ours).expect("JSON") + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/cloudevents/ours.json");
    if std::env::var("CLOUDEVENTS").is_ok_and(|value| value == "overwrite") {
        std::fs::write(&file, &ours).expect("written");
    }
    let read = std::fs::read_to_string(&file).expect("a file");
    assert!(ours == read, "other messages than those that the SDKs have read: ask them again, as in `{}`", file!());
}
