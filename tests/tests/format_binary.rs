//! `CloudEvents` beside a payload, the modes of messages, and what is not written.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use events::{CloudEvents, Envelope, Format, FormatError, Message};

fn message(content_type: Option<&str>, headers: &[(&str, &str)], body: &str) -> Message {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Message {
        content_type: content_type.map(ToOwned::to_owned),
        headers: headers.iter().map(owned).collect(),
        body: body.into(),
    }
}

const REQUIRED: [(&str, &str); 4] =
    [("ce-specversion", "1.0"), ("ce-type", "cat-fed"), ("ce-source", "/cafe"), ("ce-id", "17")];

const STRUCTURED: &str = r#"{"specversion":"1.0","type":"cat-fed","source":"/cafe","id":"17","data":1}"#;

fn binary(content_type: Option<&str>, others: &[(&str, &str)], body: &str) -> Result<Envelope, FormatError> {
    CloudEvents::binary().decode(&message(content_type, &[&REQUIRED, others].concat(), body))
}

fn envelope() -> Envelope {
    Envelope::new("cat-fed", r#"{"fish": 2}"#).with_id("17").with_origin("/cafe").with_time(UNIX_EPOCH)
}

/// Why neither mode writes an event.
fn refused(envelope: &Envelope) -> String {
    let [structured, binary] = [CloudEvents::structured(), CloudEvents::binary()]
        .map(|format| format.encode(envelope).expect_err("not written").to_string());
    assert_eq!(structured, binary);
    binary
}

#[test]
fn attributes_are_headers_and_the_payload_is_the_body() {
    let all = envelope()
        .with_correlation("1")
        .with_causation("12")
        .with_hops(3)
        .with_version(2)
        .with_partition_key("tom")
        .with_trace("00-1-2-01", Some("a=b"));
    let written = CloudEvents::binary().encode(&all).expect("written");
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-type", "cat-fed"),
        ("ce-source", "/cafe"),
        ("ce-id", "17"),
        ("ce-time", "1970-01-01T00:00:00Z"),
        ("ce-partitionkey", "tom"),
        ("ce-correlationid", "1"),
        ("ce-causationid", "12"),
        ("ce-traceparent", "00-1-2-01"),
        ("ce-tracestate", "a=b"),
        ("ce-eventhops", "3"),
        ("ce-eventversion", "2"),
        ("traceparent", "00-1-2-01"),
        ("tracestate", "a=b"),
    ];
    assert_eq!(written, message(Some("application/json"), &headers, r#"{"fish": 2}"#));
    let few = CloudEvents::binary().encode(&envelope()).expect("written");
    assert_eq!(few.headers.len(), 6, "nothing is written of what there is not: {:?}", few.headers);
}

#[test]
fn headers_are_read_in_any_case_and_under_any_prefix() {
    for prefix in ["ce-", "CE-", "ce_", "cloudEvents_", "cloudevents:", "CLOUDEVENTS:"] {
        let renamed = REQUIRED.map(|(name, value)| (name.replace("ce-", prefix).to_uppercase(), value.to_owned()));
        let headers = renamed.to_vec();
        let read = CloudEvents::structured().decode(&Message { headers, ..message(Some("a/json"), &[], "1") });
        assert_eq!(read.expect(prefix).id().to_string(), "17");
    }
    let none = CloudEvents::binary().prefix("");
    let written = none.encode(&envelope()).expect("written");
    assert_eq!(written.header("specversion"), Some("1.0"));
    assert_eq!(none.decode(&written).expect("read").name(), "cat-fed");
}

#[test]
fn one_prefix_holds_for_all_of_a_message() {
    let others = [("cloudEvents:id", "99"), ("cloudEvents_time", "lunch"), ("ce_eventhops", "5"), ("id", "98")];
    let read = binary(Some("application/json"), &others, "1").expect("read");
    assert_eq!((read.id().to_string(), read.hops()), ("17".into(), 0));
    let both = [("mine-specversion", "1.0"), ("mine-type", "a"), ("mine-source", "/b"), ("mine-id", "c")];
    let both = message(None, &[&REQUIRED, &both[..]].concat(), "");
    assert_eq!(CloudEvents::binary().prefix("mine-").decode(&both).expect("read").name(), "a", "one's own comes first");
    assert_eq!(CloudEvents::binary().decode(&both).expect("read").name(), "cat-fed");
}

#[test]
fn headers_of_others_are_left_alone() {
    let others = [("ce-my.extension", "\n"), ("ce-", ""), ("c", "ü"), ("ü", ""), ("ce-Subject", "a"), ("date", "now")];
    assert_eq!(binary(None, &others, "").expect("read").name(), "cat-fed");
}

#[test]
fn the_media_type_of_the_body() {
    let read = |content_type, headers: &[(&str, &str)], body: &str| {
        let envelope = binary(content_type, headers, body).expect("read");
        (envelope.content_type().to_owned(), String::from_utf8(envelope.payload().to_vec()).expect("text"))
    };
    let pair = |media_type: &str, payload: &str| (media_type.to_owned(), payload.to_owned());
    let other = [("ce-datacontenttype", "a/b")];
    assert_eq!(read(Some("text/plain"), &other, "x"), pair("text/plain", "x"), "that of the message");
    assert_eq!(read(None, &other, "x"), pair("a/b", "x"), "NATS has it among the attributes");
    assert_eq!(read(Some(" "), &other, "x"), pair("a/b", "x"), "a media type of white space is none");
    assert_eq!(read(None, &[], "{}"), pair("application/octet-stream", "{}"), "not known");
    assert_eq!(read(None, &[], ""), pair("application/json", "null"), "no payload");
    assert_eq!(read(Some("a/b+json"), &[], ""), pair("a/b+json", "null"));
    assert_eq!(read(Some("text/plain"), &[], ""), pair("text/plain", ""), "a text of no length");
    let error = binary(Some("nothing"), &[], "x").expect_err("no media type").to_string();
    assert_eq!(error, "`nothing` is no media type: one has the form `application/json`");
}

#[test]
fn attributes_are_checked_as_in_json() {
    let error = |others: &[(&str, &str)]| binary(None, others, "").expect_err("wrong").to_string();
    assert_eq!(error(&[("CE-ID", "18")]), "attribute `id` stands twice");
    assert_eq!(error(&[("ce-subject", "")]), "attribute `subject` is empty: leave it out, or give it a value");
    assert_eq!(
        error(&[("ce-eventhops", "-3")]),
        "attribute `eventhops` is `-3`: must be a whole number from 0 to 2147483647"
    );
    assert_eq!(
        error(&[("ce-partitionkey", "a\r\nb: c")]),
        "attribute `partitionkey` contains U+000D: `CloudEvents` has no control characters or noncharacters in texts"
    );
    let version = message(None, &[("ce-specversion", "0.3")], "");
    let error = CloudEvents::binary().decode(&version).expect_err("0.3").to_string();
    assert_eq!(error, "attribute `specversion` is `0.3`: only `1.0` is read");
    let alone = message(None, &REQUIRED[..3], "");
    let error = CloudEvents::binary().decode(&alone).expect_err("no id").to_string();
    assert_eq!(error, "attribute `id` is missing: a CloudEvent has `specversion`, `type`, `source` and `id`");
}

#[test]
fn the_message_says_its_mode() {
    for format in [CloudEvents::structured(), CloudEvents::binary(), CloudEvents::binary().prefix("x-")] {
        let structured = ["application/cloudevents+json", "APPLICATION/CloudEvents+JSON; charset=utf-8"];
        for content_type in structured.map(Some) {
            let copies = [("ce-specversion", "1.0"), ("ce-id", "a copy"), ("ce-type", "a copy")];
            let read = format.decode(&message(content_type, &copies, STRUCTURED)).expect("read");
            assert_eq!((read.name(), read.payload()), ("cat-fed", b"1".as_slice()), "the body is all of it");
        }
        for content_type in [None, Some(""), Some("application/json")] {
            let read = format.decode(&message(content_type, &[("ce-id", "a copy")], STRUCTURED)).expect("read");
            assert_eq!(read.id().to_string(), "17", "without a media type of its own");
        }
    }
}

#[test]
fn what_is_not_read_is_told_apart() {
    let error = |content_type: Option<&str>, body| {
        CloudEvents::binary().decode(&message(content_type, &[], body)).expect_err("not read").to_string()
    };
    for kind in ["", "+avro", "-batch+json", "+jsonx"] {
        let content_type = format!("application/cloudevents{kind}");
        assert_eq!(
            error(Some(&content_type), "[]"),
            format!(
                "the body is `{content_type}`: only `application/cloudevents+json` is read, one event in a message"
            )
        );
    }
    assert_eq!(
        error(Some("text/plain"), STRUCTURED),
        "the message is no CloudEvent: it has no header `ce-specversion`, and its media type is `text/plain`"
    );
    assert_eq!(
        error(Some("application/json"), "{\"fish\":2}"),
        "attribute `specversion` is missing: a CloudEvent has `specversion`, `type`, `source` and `id`"
    );
}

#[test]
fn a_trace_beside_the_event_is_read_where_there_is_none_inside() {
    let plain = [("Traceparent", "00-9"), ("tracestate", "plain=1")];
    let read = |message: &Message| {
        let read = CloudEvents::binary().decode(message).expect("read");
        (read.trace_parent().map(ToOwned::to_owned), read.trace_state().map(ToOwned::to_owned))
    };
    let trace = |parent: &str, state: Option<&str>| (Some(parent.to_owned()), state.map(ToOwned::to_owned));
    assert_eq!(read(&message(None, &plain, STRUCTURED)), trace("00-9", Some("plain=1")));
    assert_eq!(read(&message(None, &[&REQUIRED, &plain[..]].concat(), "")), trace("00-9", Some("plain=1")));
    let inside = [("ce-traceparent", "00-1")];
    assert_eq!(read(&message(None, &[&REQUIRED, &plain[..], &inside].concat(), "")), trace("00-1", None));
    let half = [("ce-tracestate", "inside=1"), ("traceparent", "00-9")];
    assert_eq!(
        read(&message(None, &[&REQUIRED, &half[..]].concat(), "")),
        trace("00-9", None),
        "two that belong together"
    );
}

#[test]
fn what_a_cloud_event_needs_is_not_made_up() {
    let needs = |what: &str, with: &str| {
        format!("the event has no {what}, and a CloudEvent needs one: give it one with `{with}`")
    };
    assert_eq!(refused(&envelope().with_id("")), needs("identity", "Envelope::with_id"));
    assert_eq!(refused(&envelope().with_origin("")), needs("origin", "Envelope::with_origin"));
    assert_eq!(refused(&Envelope::new("", "1").with_id("1").with_origin("/")), needs("name", "Envelope::new"));
}

#[test]
fn what_others_could_not_read_is_not_written() {
    for origin in ["my shop", "/käse", "/%", "/%2", "/%zz", "%2", "/a\"b"] {
        let text = format!(
            "the origin `{origin}` is no URI reference, which has no white space and no letters but those of ASCII: change \
             it with `LifespanBuilder::origin` or `Envelope::with_origin`"
        );
        assert_eq!(refused(&envelope().with_origin(origin)), text);
    }
    for origin in ["/k%C3%A4se", "https://cafe.example:80/door?n=1#a", "urn:cafe:1", "//cafe", "#here", "%41"] {
        CloudEvents::binary().encode(&envelope().with_origin(origin)).expect(origin);
    }
    let control = |name: &str, c: &str| {
        format!("attribute `{name}` contains U+{c}: `CloudEvents` has no control characters or noncharacters in texts")
    };
    assert_eq!(refused(&envelope().with_id("1\r\nx-admin: 1")), control("id", "000D"));
    assert_eq!(refused(&envelope().with_causation("\0")), control("causationid", "0000"));
    assert_eq!(refused(&envelope().with_trace("00\n", None)), control("traceparent", "000A"));
    assert_eq!(refused(&envelope().with_content_type("a/b;\u{ffff}")), control("datacontenttype", "FFFF"));
    let media_type = "`json` is no media type: one has the form `application/json`";
    assert_eq!(refused(&envelope().with_content_type("json")), media_type);
    let hops = "`eventhops` is 2147483648: `CloudEvents` has no whole number above 2147483647";
    assert_eq!(refused(&envelope().with_hops(1 << 31)), hops);
    assert_eq!(
        refused(&envelope().with_version(u32::MAX)),
        hops.replace("hops", "version").replace("2147483648", "4294967295")
    );
    let years = "the time of the event is not in the years 0000 to 9999";
    for seconds in [253_402_300_800, 1 << 40] {
        assert_eq!(refused(&envelope().with_time(UNIX_EPOCH + Duration::from_secs(seconds))), years);
        assert_eq!(refused(&envelope().with_time(UNIX_EPOCH - Duration::from_secs(seconds))), years);
    }
}

#[test]
fn a_payload_is_what_its_media_type_says() {
    let broken = Envelope::new("cat-fed", "{\"fish\": }").with_id("17").with_origin("/cafe");
    let error = CloudEvents::structured().encode(&broken).expect_err("no JSON").to_string();
    assert_eq!(error, "the payload is not JSON: expected value at line 1 column 10");
    let bytes = CloudEvents::structured().encode(&broken.with_content_type("text/plain")).expect("bytes");
    let text = String::from_utf8(bytes.body).expect("JSON");
    assert!(text.ends_with(r#""datacontenttype":"text/plain","data_base64":"eyJmaXNoIjogfQ=="}"#), "{text}");
}

/// Times, and the seconds and nanoseconds that they are from 1970 on.
const TIMES: [(&str, i64, u64); 16] = [
    ("2018-04-05T17:31:00Z", 1_522_949_460, 0),
    ("2018-04-05t17:31:00z", 1_522_949_460, 0),
    ("2018-04-05T18:31:00+01:00", 1_522_949_460, 0),
    ("2018-04-05T16:31:00-01:00", 1_522_949_460, 0),
    ("2018-04-05T17:31:00-00:00", 1_522_949_460, 0),
    ("2018-04-05T17:31:00.5Z", 1_522_949_460, 500_000_000),
    ("2018-04-05T17:31:00.000000000Z", 1_522_949_460, 0),
    ("2018-04-05T17:31:00.1234567891234567890123Z", 1_522_949_460, 123_456_789),
    ("1985-04-12T23:20:50.52Z", 482_196_050, 520_000_000),
    ("1996-12-19T16:39:57-08:00", 851_042_397, 0),
    ("1990-12-31T23:59:60Z", 662_688_000, 0),
    ("1990-12-31T15:59:60-08:00", 662_688_000, 0),
    ("1937-01-01T12:00:27.87+00:20", -1_041_337_173, 870_000_000),
    ("2000-02-29T00:00:00Z", 951_782_400, 0),
    ("0000-01-01T00:00:00Z", -62_167_219_200, 0),
    ("9999-12-31T23:59:59.999999999Z", 253_402_300_799, 999_999_999),
];

const NO_TIMES: [&str; 29] = [
    "lunchtime",
    "2018-04-05T18:31Z",
    "2018-04-05T18:31:00X",
    "2018-04-05T18:31:00",
    "2018-04-05T18:31:00+25:00",
    "2018-04-05T18:31:00+xx:00",
    "2018-04-05T18:31:00+05",
    "2018-04-05T18:31:00+0500",
    "2018-04-05T18:31:00+05:60",
    "2018-04-05T18:31:00.Z",
    "2018-04-05 18:31:00Z",
    "2018-04-05T18:31:00ZZ",
    " 2018-04-05T18:31:00Z",
    "2018-4-05T18:31:00Z",
    "02018-04-05T18:31:00Z",
    "-018-04-05T18:31:00Z",
    "2018-00-05T18:31:00Z",
    "2018-13-05T18:31:00Z",
    "2018-04-00T18:31:00Z",
    "2018-04-31T18:31:00Z",
    "1900-02-29T18:31:00Z",
    "2018-04-05T24:00:00Z",
    "2018-04-05T18:60:00Z",
    "2018-04-05T18:31:61Z",
    "1990-12-31T22:59:60Z",
    "1990-12-31T23:59:60-08:00",
    "0000-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "２018-04-05T18:31:00Z",
];

fn time(text: &str) -> Result<SystemTime, FormatError> {
    binary(None, &[("ce-time", text)], "").map(|envelope| envelope.time())
}

#[test]
fn times_are_read_as_rfc_3339_has_them() {
    for (text, seconds, nanos) in TIMES {
        let distance = Duration::from_secs(seconds.unsigned_abs());
        let whole = if seconds < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance };
        assert_eq!(time(text).expect(text), whole + Duration::from_nanos(nanos), "{text}");
    }
}

#[test]
fn what_is_no_time_is_told() {
    for text in NO_TIMES {
        let wrong = format!("attribute `time` is `{text}`: a time has the form `2026-08-22T10:00:00Z`, as in RFC 3339");
        assert_eq!(time(text).expect_err(text).to_string(), wrong);
    }
}

#[test]
fn an_event_without_a_time_came_about_when_it_was_read() {
    let before = SystemTime::now();
    let time = binary(None, &[], "").expect("read").time();
    assert!(before <= time && time <= SystemTime::now());
}
