//! `CloudEvents` in one JSON object: what the specification asks of a reader, rule by rule. The sections are those of its
//! JSON format, 1.0.

use std::time::UNIX_EPOCH;

use events::{CloudEvents, Envelope, Format, FormatError, Message};
use serde_json::{Value, json};

const MEDIA_TYPE: &str = "application/cloudevents+json";

fn read_text(body: &str) -> Result<Envelope, FormatError> {
    let message =
        Message { content_type: Some(MEDIA_TYPE.into()), body: body.as_bytes().to_vec(), ..Message::default() };
    CloudEvents::structured().decode(&message)
}

/// A small event, with other members beside it or instead.
fn with(members: Value) -> String {
    let mut event = json!({"specversion": "1.0", "type": "cat-fed", "source": "/cafe", "id": "17"});
    let Value::Object(members) = members else { panic!("an object") };
    event.as_object_mut().expect("an object").extend(members);
    event.to_string()
}

fn read(members: Value) -> Envelope {
    read_text(&with(members)).expect("a CloudEvent")
}

fn error_of_text(body: &str) -> String {
    read_text(body).expect_err(body).to_string()
}

fn error(members: Value) -> String {
    error_of_text(&with(members))
}

fn payload(envelope: &Envelope) -> (&str, &str) {
    (envelope.content_type(), str::from_utf8(envelope.payload()).expect("text"))
}

#[test]
fn what_is_required_is_missed_by_name() {
    for name in ["specversion", "type", "source", "id"] {
        let missing =
            format!("attribute `{name}` is missing: a CloudEvent has `specversion`, `type`, `source` and `id`");
        let mut without: Value = serde_json::from_str(&with(json!({}))).expect("JSON");
        without.as_object_mut().expect("an object").remove(name);
        assert_eq!(error_of_text(&without.to_string()), missing);
        assert_eq!(error(json!({ name: null })), missing, "2.2: `null` is as absent");
        let empty = format!("attribute `{name}` is empty: leave it out, or give it a value");
        assert_eq!(error(json!({ name: "" })), empty);
    }
}

#[test]
fn there_is_one_version() {
    for version in ["0.3", "1.0.2", "1", "1.1", " 1.0"] {
        let text = format!("attribute `specversion` is `{version}`: only `1.0` is read");
        assert_eq!(error(json!({ "specversion": version })), text);
    }
}

#[test]
fn all_that_travels_is_read() {
    let envelope = read(json!({
        "time": "1970-01-01T00:00:00Z", "partitionkey": "tom", "correlationid": "1", "causationid": "12",
        "traceparent": "00-1-2-01", "tracestate": "a=b", "eventhops": 3, "eventversion": 2, "data": 1,
    }));
    assert_eq!((envelope.name(), envelope.origin()), ("cat-fed", "/cafe"));
    assert_eq!((envelope.id().to_string(), envelope.time()), ("17".into(), UNIX_EPOCH));
    assert_eq!(envelope.correlation().to_string(), "1");
    assert_eq!(envelope.causation().map(ToString::to_string), Some("12".into()));
    assert_eq!((envelope.trace_parent(), envelope.trace_state()), (Some("00-1-2-01"), Some("a=b")));
    assert_eq!((envelope.hops(), envelope.version(), envelope.partition_key()), (3, Some(2), Some("tom")));
    let nothing =
        read(json!({"time": null, "partitionkey": null, "causationid": null, "eventhops": null, "subject": null}));
    assert_eq!(
        (nothing.causation(), nothing.hops(), nothing.version(), nothing.partition_key()),
        (None, 0, None, None)
    );
    assert_eq!(nothing.correlation(), nothing.id());
}

#[test]
fn json_is_neither_parsed_nor_touched() {
    let as_is = |data: &str| {
        let event = with(json!({}));
        let body = format!("{},\"data\": \n{data} }}", event.trim_end_matches('}'));
        let envelope = read_text(&body).expect("a CloudEvent");
        assert_eq!(payload(&envelope), ("application/json", data));
    };
    for data in [r#"{ "a":1, "a" : 2.0e0,"\u0062":[ ]}"#, "null", "1.10", "-0", r#""{\"a\": 1}""#, r#""\ud800""#] {
        as_is(data);
    }
    as_is(&("[".repeat(200_000) + &"]".repeat(200_000)));
}

#[test]
fn media_types_with_json_in_them_are_json() {
    for media_type in ["application/json", "TEXT/JSON; charset=utf-8", "application/vnd.cafe+JSON ; a=b", "a/b+c+json"]
    {
        let envelope = read(json!({"datacontenttype": media_type, "data": "7"}));
        assert_eq!(payload(&envelope), (media_type, r#""7""#), "3.1.2: a text in `data` is no JSON document");
    }
    for media_type in
        ["application/jsonp", "application/json-seq", "application/xml", "json/json5", "text/plain; a=b+json"]
    {
        let envelope = read(json!({"datacontenttype": media_type, "data": "7"}));
        assert_eq!(payload(&envelope), (media_type, "7"), "3.1.2: an encoded text");
    }
    assert_eq!(
        error(json!({"datacontenttype": "text/plain", "data": 7})),
        "`data` of the media type `text/plain` must be a text: invalid type: integer `7`, expected a string at line 1 column 1"
    );
}

#[test]
fn base64_is_bytes() {
    let envelope = read(json!({"datacontenttype": "application/json", "data_base64": "eyJhIjoxfQ=="}));
    assert_eq!(payload(&envelope), ("application/json", r#"{"a":1}"#));
    let envelope = read(json!({"data_base64": "MQ=="}));
    assert_eq!(payload(&envelope), ("application/octet-stream", "1"), "not known, and not to be taken for JSON");
    assert_eq!(payload(&read(json!({"data_base64": null, "data": 1}))).1, "1");
    for (wrong, reason) in [
        (json!("MQ="), "invalid padding"),
        (json!("M=Q="), "invalid symbol 61, offset 1"),
        (json!("-_8="), "invalid symbol 45, offset 0"),
    ] {
        let text = format!("`data_base64` is not base64 as in RFC 4648, section 4: {reason}");
        assert_eq!(error(json!({ "data_base64": wrong })), text);
    }
    assert_eq!(
        error(json!({"data_base64": 1})),
        "`data_base64` must be a text: invalid type: integer `1`, expected a string at line 1 column 1"
    );
    for data in [json!(1), json!(null)] {
        assert_eq!(
            error(json!({"data": data, "data_base64": ""})),
            "the event has `data` and `data_base64`: it can have one of them"
        );
    }
}

#[test]
fn an_event_without_a_payload() {
    assert_eq!(payload(&read(json!({}))), ("application/json", "null"));
    assert_eq!(payload(&read(json!({"datacontenttype": "a/b+json"}))), ("a/b+json", "null"));
    assert_eq!(payload(&read(json!({"datacontenttype": "a/json", "data_base64": ""}))), ("a/json", "null"));
    assert_eq!(payload(&read(json!({"data_base64": ""}))), ("application/octet-stream", ""));
    assert_eq!(payload(&read(json!({"datacontenttype": "text/plain"}))), ("text/plain", ""));
    assert_eq!(payload(&read(json!({"datacontenttype": "text/plain", "data": null}))), ("text/plain", ""));
}

#[test]
fn attributes_have_names_of_small_letters_and_digits() {
    for name in ["MyExtension", "my.extension", "my_extension", "", "ümlaut", "a\n"] {
        let text =
            format!("`{}` is no name of an attribute: those have `a` to `z` and digits", name.replace('\n', "\\n"));
        assert_eq!(error(json!({ name: "x" })), text);
    }
    read(json!({"comexampleextension1": "value", "7": 5, "ext": true, "nothing": null, "low": i32::MIN}));
}

#[test]
fn attributes_of_the_core_are_texts() {
    for name in ["specversion", "type", "source", "id", "time", "datacontenttype", "dataschema", "subject"] {
        for (value, is) in
            [(json!(25), "a number"), (json!(true), "a boolean"), (json!({}), "an object"), (json!([]), "a list")]
        {
            assert_eq!(error(json!({ name: value })), format!("attribute `{name}` is {is}: must be a text"));
        }
    }
    for name in ["dataschema", "subject", "datacontenttype", "partitionkey", "correlationid", "causationid"] {
        let empty = format!("attribute `{name}` is empty: leave it out, or give it a value");
        assert_eq!(error(json!({ name: "" })), empty);
    }
}

#[test]
fn extensions_are_texts_booleans_and_whole_numbers() {
    let must = "must be a text, a boolean, or a whole number of 32 bits";
    for value in [json!(1.5), json!(1.0), json!(2_147_483_648_i64), json!(-2_147_483_649_i64)] {
        assert_eq!(error(json!({ "ext": value })), format!("attribute `ext` is another number: {must}"));
    }
    assert_eq!(
        error_of_text(&with(json!({})).replace('}', r#","ext":1e2}"#)),
        format!("attribute `ext` is another number: {must}")
    );
    assert_eq!(error(json!({"ext": {"a": 1}})), format!("attribute `ext` is an object: {must}"));
    assert_eq!(error(json!({"ext": [1]})), format!("attribute `ext` is a list: {must}"));
    let envelope = read(json!({"partitionkey": 7, "correlationid": true, "eventhops": "3", "eventversion": "0"}));
    assert_eq!((envelope.partition_key(), envelope.correlation().to_string()), (Some("7"), "true".into()));
    assert_eq!((envelope.hops(), envelope.version()), (3, Some(0)), "each type has a form in text");
    for hops in [json!(-1), json!("-0"), json!("+1"), json!("1.0"), json!("2147483648"), json!("many"), json!(true)] {
        let shown = hops.as_str().map_or_else(|| hops.to_string(), ToOwned::to_owned);
        let text = format!("attribute `eventhops` is `{shown}`: must be a whole number from 0 to 2147483647");
        assert_eq!(error(json!({ "eventhops": hops })), text);
    }
}

#[test]
fn texts_have_no_control_characters_and_an_end() {
    for (id, c) in
        [("a\nb", "000A"), ("\u{7f}", "007F"), ("\u{9f}", "009F"), ("\u{fdd0}", "FDD0"), ("\u{10ffff}", "10FFFF")]
    {
        let text =
            format!("attribute `id` contains U+{c}: `CloudEvents` has no control characters or noncharacters in texts");
        assert_eq!(error(json!({ "id": id })), text);
    }
    assert_eq!(
        error_of_text(&with(json!({})).replace("17", r"\ud800")),
        "attribute `id` is no text, unexpected end of hex escape at line 1 column 8: must be a text"
    );
    read(json!({"id": "a".repeat(65_536)}));
    assert_eq!(
        error(json!({"id": "a".repeat(65_537)})),
        "attribute `id` has 65537 bytes: more than 65536 are not written and not read"
    );
}

#[test]
fn nothing_stands_twice() {
    let twice = |name: &str, value: &str| {
        let event = with(json!({}));
        error_of_text(&format!("{},\"{name}\":{value},\"{name}\":{value}}}", event.trim_end_matches('}')))
    };
    assert_eq!(twice("time", r#""1970-01-01T00:00:00Z""#), "attribute `time` stands twice");
    assert_eq!(twice("i\\u0064", r#""17""#), "attribute `id` stands twice");
    assert_eq!(twice("data", "null"), "`data` stands twice");
    assert_eq!(twice("data_base64", r#""""#), "`data_base64` stands twice");
}

#[test]
fn media_types_have_their_form() {
    for media_type in ["xyz", "/", "a/", "/b", "a/b/c", "a b/c", "a/ü", " ; a/b"] {
        let text = format!("`{media_type}` is no media type: one has the form `application/json`");
        assert_eq!(error(json!({ "datacontenttype": media_type, "data_base64": "" })), text);
    }
}

#[test]
fn a_broken_trace_is_left_out() {
    for trace in ["", "a\nb"] {
        let envelope = read(json!({"traceparent": trace, "tracestate": "a=b"}));
        assert_eq!((envelope.trace_parent(), envelope.trace_state()), (None, None));
    }
    assert_eq!(read(json!({"traceparent": "00-1", "tracestate": ""})).trace_state(), None);
}

#[test]
fn what_is_no_event_at_all() {
    let prefix = "the body is no CloudEvent in JSON: ";
    for (body, reason) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("[]", "invalid type: sequence, expected an object at line 1 column 0"),
        ("1", "invalid type: integer `1`, expected an object at line 1 column 1"),
        ("{\"id\": 1, \"data\": }", "expected value at line 1 column 19"),
        ("{\"id\": 1} x", "trailing characters at line 1 column 11"),
    ] {
        assert_eq!(error_of_text(body), format!("{prefix}{reason}"));
    }
    let not_utf8 = Message { body: b"{\"data\": \"\xff\"}".to_vec(), ..Message::default() };
    let error = CloudEvents::structured().decode(&not_utf8).expect_err("not UTF-8").to_string();
    assert_eq!(error, format!("{prefix}invalid unicode code point at line 1 column 11"));
}

#[test]
fn errors_are_short_and_fit_for_a_terminal() {
    let long = "\u{1b}[2J".to_owned() + &"x".repeat(60_000);
    for members in [
        json!({ "specversion": "y".repeat(60_000) }),
        json!({ "time": "z".repeat(60_000) }),
        json!({ "eventhops": "9".repeat(60_000) }),
        json!({ &long: 1 }),
        json!({ "a".repeat(60_000): [] }),
        json!({ "datacontenttype": "x".repeat(60_000) }),
        json!({ "id": &long }),
    ] {
        let error = error(members);
        assert!(error.len() < 1200 && !error.contains(char::is_control), "{error}");
    }
}
