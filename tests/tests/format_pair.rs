//! The plain pair of a name and a payload.

use std::time::UNIX_EPOCH;

use events::{CloudEvents, Envelope, Format, Message, Pair};

fn bare(body: &str) -> Message {
    Message { body: body.into(), ..Message::default() }
}

fn error(body: &str) -> String {
    Pair.decode(&bare(body)).expect_err(body).to_string()
}

#[test]
fn what_fastapi_events_writes_is_read() {
    for (body, payload) in [
        (r#"["CAT_FED", {"fish": 2, "of": ["a", null]}]"#, r#"{"fish": 2, "of": ["a", null]}"#),
        (r#"["CAT_FED", null]"#, "null"),
        ("\n[ \"CAT\\u005fFED\" ,\t1.0 ]\n", "1.0"),
    ] {
        let read = Pair.decode(&bare(body)).expect(body);
        assert_eq!((read.name(), read.payload()), ("CAT_FED", payload.as_bytes()));
        assert_eq!(
            (read.id().to_string(), read.origin(), read.content_type()),
            (String::new(), "", "application/json")
        );
        assert_eq!((read.hops(), read.version(), read.causation()), (0, None, None));
    }
}

#[test]
fn the_rest_is_beside_it() {
    let envelope = Envelope::new("cat-fed", "{ }")
        .with_id("17")
        .with_origin("/cafe")
        .with_time(UNIX_EPOCH)
        .with_hops(3)
        .with_content_type("a/b+json");
    let written = Pair.encode(&envelope).expect("written");
    assert_eq!(
        (written.content_type.as_deref(), &*written.body),
        (Some("application/json"), br#"["cat-fed",{ }]"#.as_slice())
    );
    let headers = [
        ("pair-source", "/cafe"),
        ("pair-id", "17"),
        ("pair-time", "1970-01-01T00:00:00Z"),
        ("pair-correlationid", "17"),
        ("pair-eventhops", "3"),
        ("pair-datacontenttype", "a/b+json"),
    ];
    assert_eq!(written.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let time_alone = Pair.encode(&Envelope::new("cat-fed", "1")).expect("no identity is needed");
    assert_eq!(time_alone.headers.len(), 1, "{:?}", time_alone.headers);
    CloudEvents::binary().decode(&written).expect_err("not to be taken for a CloudEvent");
}

#[test]
fn what_is_no_pair_says_why() {
    let prefix = r#"the body is no pair `["name", payload]`: "#;
    for (body, reason) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        (r#"{"name": 1}"#, "invalid type: map, expected a list of two at line 1 column 0"),
        ("[]", "invalid length 0, expected a list of two at line 1 column 2"),
        (r#"["cat-fed"]"#, "invalid length 1, expected a list of two at line 1 column 11"),
        (r#"["cat-fed", 1, 2]"#, "there are more than two at line 1 column 17"),
        (r#"["", 1]"#, "the name is empty at line 1 column 7"),
        ("[1, 2]", "invalid type: integer `1`, expected a string at line 1 column 2"),
        (r#"["cat-fed", ]"#, "trailing comma at line 1 column 13"),
        (r#"["cat-fed", 1] 2"#, "trailing characters at line 1 column 16"),
    ] {
        assert_eq!(error(body), format!("{prefix}{reason}"));
    }
}

#[test]
fn a_payload_that_is_not_json() {
    let text = Envelope::new("cat-fed", "miau").with_content_type("text/plain");
    let error = Pair.encode(&text).expect_err("no JSON").to_string();
    assert_eq!(error, "a pair has a payload of JSON, and not of `text/plain`: send it as `CloudEvents`");
    let broken = Pair.encode(&Envelope::new("cat-fed", "miau")).expect_err("no JSON").to_string();
    assert_eq!(broken, "the payload is not JSON: expected value at line 1 column 1");
    let headers = vec![("pair-datacontenttype".into(), "text/plain".into())];
    let read = Pair.decode(&Message { headers, ..bare(r#"["cat-fed", 1]"#) });
    let error = read.expect_err("no JSON").to_string();
    assert_eq!(error, "header `pair-datacontenttype` is `text/plain`: the payload of a pair is JSON");
}

#[test]
fn headers_are_those_of_cloud_events_and_checked_like_them() {
    let read = |name: &str, value: &str| {
        let headers = vec![(name.to_owned(), value.to_owned())];
        Pair.decode(&Message { headers, ..bare(r#"["cat-fed", 1]"#) })
    };
    assert_eq!(read("Pair-EventHops", "3").expect("read").hops(), 3);
    assert_eq!(read("traceparent", "00-1").expect("read").trace_parent(), Some("00-1"));
    assert_eq!(read("ce-id", "17").expect("those of others are left alone").id().to_string(), "");
    let empty = "attribute `id` is empty: leave it out, or give it a value";
    assert_eq!(read("pair-id", "").expect_err("empty").to_string(), empty);
}
