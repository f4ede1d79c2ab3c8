//! The laws of formats: what was written is read as it was, and nothing that is read makes them panic.
//!
//! `PROPTEST_CASES` raises the number of cases.

#[path = "law/config.rs"]
mod config;

use std::cell::Cell;
use std::fmt::Debug;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use config::config;
use events::{CloudEvents, Envelope, EventId, Format, Message, Pair};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{TestCaseError, TestRunner};
use serde_json::Value;

fn hold<T: Debug>(cases_in_ci: u32, cases: &impl Strategy<Value = T>, law: impl Fn(T) -> Result<(), TestCaseError>) {
    if let Err(error) = TestRunner::new(config(cases_in_ci, file!())).run(cases, law) {
        panic!("{error}");
    }
}

fn cloud_events() -> [CloudEvents; 4] {
    let prefixed = |prefix: &'static str| CloudEvents::binary().prefix(prefix);
    [CloudEvents::structured(), CloudEvents::binary(), prefixed("cloudEvents_"), prefixed("cloudEvents:")]
}

/// All that an envelope says.
type Said<'a> = (
    (&'a str, &'a EventId, SystemTime, &'a str, &'a EventId, Option<&'a EventId>),
    (u32, Option<u32>, &'a str, Option<&'a str>, Option<&'a str>, Option<&'a str>),
    &'a [u8],
);

fn said(of: &Envelope) -> Said<'_> {
    (
        (of.name(), of.id(), of.time(), of.origin(), of.correlation(), of.causation()),
        (of.hops(), of.version(), of.content_type(), of.partition_key(), of.trace_parent(), of.trace_state()),
        of.payload(),
    )
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((any::<String>(), inner), 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn json_text() -> impl Strategy<Value = String> {
    (json(), any::<bool>()).prop_map(|(value, pretty)| if pretty { format!("{value:#}") } else { value.to_string() })
}

const JSON_TYPES: [&str; 3] = ["application/json", "application/vnd.cafe+json", "TEXT/JSON; charset=utf-8"];

/// A media type, and a payload that may have it.
fn payload() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let others = vec!["application/octet-stream", "text/plain; charset=\"latin1\"", "application/jsonl"];
    prop_oneof![
        (select(JSON_TYPES.to_vec()), json_text().prop_map(String::into_bytes)),
        (select(others), prop_oneof![vec(any::<u8>(), 0..64), any::<String>().prop_map(String::into_bytes)]),
    ]
}

fn text() -> impl Strategy<Value = String> {
    "\\PC{1,24}"
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof![text(), "[0-9a-fA-F]{16}-[0-9]{1,20}", "[0-9a-f]{15,17}-[1-9][0-9]{0,19}"]
}

/// Any time of four digits in its year.
fn time() -> impl Strategy<Value = SystemTime> {
    let nanos = prop_oneof![Just(0), Just(500_000_000), 0..1_000_000_000_u64];
    (-62_167_219_200..253_402_300_800_i64, nanos).prop_map(|(seconds, nanos)| {
        let distance = Duration::from_secs(seconds.unsigned_abs());
        let whole = if seconds < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance };
        whole + Duration::from_nanos(nanos)
    })
}

fn envelope() -> impl Strategy<Value = Envelope> {
    let origin = "[a-zA-Z0-9._~:/?#@!$&'()*+,;=-]{1,24}(%[0-9A-F]{2}){0,2}";
    let chain = (option::of(id()), option::of(id()), 0..=i32::MAX.unsigned_abs());
    let others =
        (option::of(0..=i32::MAX.unsigned_abs()), option::of(text()), option::of((text(), option::of(text()))));
    ((text(), id(), time(), origin), payload(), chain, others).prop_map(
        |((name, id, time, origin), payload, chain, others)| {
            let (media_type, payload) = payload;
            let mut envelope = Envelope::new(&name, payload)
                .with_content_type(media_type)
                .with_id(&id)
                .with_time(time)
                .with_origin(&origin)
                .with_hops(chain.2);
            if let Some(id) = chain.0 {
                envelope = envelope.with_correlation(&id);
            }
            if let Some(id) = chain.1 {
                envelope = envelope.with_causation(&id);
            }
            if let Some(version) = others.0 {
                envelope = envelope.with_version(version);
            }
            if let Some(key) = others.1 {
                envelope = envelope.with_partition_key(&key);
            }
            match others.2 {
                Some((parent, state)) => envelope.with_trace(&parent, state.as_deref()),
                None => envelope,
            }
        },
    )
}

#[test]
fn what_was_written_is_read_as_it_was() {
    let pairs = Cell::new(0);
    hold(300, &envelope(), |envelope| {
        for writer in cloud_events() {
            let message = writer.encode(&envelope).map_err(|error| TestCaseError::fail(error.to_string()))?;
            for reader in cloud_events() {
                let read = reader.decode(&message).map_err(|error| TestCaseError::fail(error.to_string()))?;
                prop_assert_eq!(said(&read), said(&envelope), "by {:?}, of {:?}", reader, message);
            }
        }
        if JSON_TYPES.contains(&envelope.content_type()) {
            let message = Pair.encode(&envelope).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let read = Pair.decode(&message).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(said(&read), said(&envelope), "{:?}", message);
            pairs.set(pairs.get() + 1);
        } else {
            prop_assert!(Pair.encode(&envelope).is_err());
        }
        Ok(())
    });
    assert!(pairs.get() > 100, "only {} pairs", pairs.get());
}

const NAMES: [&str; 19] = [
    "specversion",
    "type",
    "source",
    "id",
    "time",
    "datacontenttype",
    "dataschema",
    "subject",
    "partitionkey",
    "correlationid",
    "causationid",
    "traceparent",
    "tracestate",
    "eventhops",
    "eventversion",
    "data",
    "data_base64",
    "ext",
    "Wrong",
];

/// A text as some attribute has it.
fn hostile_text() -> impl Strategy<Value = String> {
    let known =
        vec!["1.0", "a/json", "a/b", "application/json", "2018-04-05T18:31:00.5+01:00", "7", "-1", "00-1", "TWE=", ""];
    prop_oneof![3 => select(known).prop_map(ToOwned::to_owned), 1 => any::<String>(), 1 => text()]
}

/// A body that comes close to an event: all that is required, then anything.
fn hostile_body() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![3 => hostile_text().prop_map(Value::from), 1 => json()];
    let member = (select(&NAMES), value).prop_map(|(name, value)| format!("{name:?}:{value}"));
    let required = r#""specversion":"1.0","type":"a","source":"/","id":"1""#;
    let members = vec(member, 0..5).prop_map(move |mut members| {
        members.insert(0, required.to_owned());
        format!("{{{}}}", members.join(",")).into_bytes()
    });
    let name = prop_oneof![text().prop_map(|name| Value::from(name).to_string()), json_text()];
    let pair = (name, vec(json_text(), 0..3)).prop_map(|(name, mut list)| {
        list.insert(0, name);
        format!("[{}]", list.join(",")).into_bytes()
    });
    let broken = (members.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut body, at, byte)| {
        let at = at.index(body.len());
        body[at] = byte;
        body
    });
    prop_oneof![4 => members, 2 => pair, 2 => broken, 1 => vec(any::<u8>(), 0..64)]
}

fn hostile_message() -> impl Strategy<Value = Message> {
    let prefix = select(&["ce-", "ce_", "CE-", "cloudEvents_", "cloudEvents:", "pair-", ""]);
    let header = (prefix, select(&NAMES), hostile_text());
    let headers = (any::<bool>(), vec(header, 0..5)).prop_map(|(required, others)| {
        let known = [("ce-specversion", "1.0"), ("ce-type", "a"), ("ce-source", "/"), ("ce-id", "1")];
        let known = known.into_iter().filter(|_| required).map(|(name, value)| (name.to_owned(), value.to_owned()));
        known.chain(others.into_iter().map(|(prefix, name, value)| (format!("{prefix}{name}"), value))).collect()
    });
    let media_type =
        select(&["application/cloudevents+json", "application/json", "text/plain", "application/cloudevents", "", "x"]);
    (option::of(media_type), headers, hostile_body()).prop_map(|(media_type, headers, body)| Message {
        content_type: media_type.map(ToOwned::to_owned),
        headers,
        body,
    })
}

#[test]
fn what_can_be_read_at_all_is_written_and_read_again() {
    let (events, pairs, refused) = (Cell::new(0), Cell::new(0), Cell::new(0));
    hold(2000, &hostile_message(), |message| {
        match CloudEvents::structured().decode(&message) {
            // An origin is read more freely than it is written, and bytes may be said to be JSON.
            Ok(read) => {
                for format in cloud_events() {
                    let Ok(message) = format.encode(&read) else { continue };
                    let again = format.decode(&message).map_err(|error| TestCaseError::fail(error.to_string()))?;
                    prop_assert_eq!(said(&again), said(&read), "{:?}", message);
                    events.set(events.get() + 1);
                }
            }
            Err(error) => {
                prop_assert!(!error.to_string().contains(char::is_control));
                refused.set(refused.get() + 1);
            }
        }
        if let Ok(read) = Pair.decode(&message)
            && let Ok(message) = Pair.encode(&read)
        {
            let again = Pair.decode(&message).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(said(&again), said(&read), "{:?}", message);
            pairs.set(pairs.get() + 1);
        }
        Ok(())
    });
    let (events, pairs, refused) = (events.get(), pairs.get(), refused.get());
    assert!(events > 500 && pairs > 25 && refused > 500, "{events} events, {pairs} pairs, {refused} refused");
}

#[test]
fn times_are_what_jiff_says_they_are() {
    let offset = prop_oneof![Just(None), (-1439..1440_i64).prop_map(Some)];
    hold(2000, &(time(), offset, any::<bool>()), |(time, offset, small)| {
        let envelope = Envelope::new("a", "1").with_id("1").with_origin("/").with_time(time);
        let written = CloudEvents::binary().encode(&envelope).expect("a time of four digits");
        let written = written.header("ce-time").expect("a time").to_owned();
        let known: jiff::Timestamp = written.parse().map_err(|error| TestCaseError::fail(format!("{error}")))?;
        let distance = time.duration_since(UNIX_EPOCH).map_or_else(
            |error| -i128::try_from(error.duration().as_nanos()).expect("small"),
            |after| i128::try_from(after.as_nanos()).expect("small"),
        );
        prop_assert_eq!(known.as_nanosecond(), distance, "{}", written);

        let Some(minutes) = offset else { return Ok(()) };
        let seconds = i32::try_from(minutes * 60).expect("small");
        let there = jiff::tz::Offset::from_seconds(seconds).expect("within a day").to_datetime(known);
        // What has another year there is not of four digits everywhere.
        if !(0..=9999).contains(&there.year()) {
            return Ok(());
        }
        let sign = if minutes < 0 { '-' } else { '+' };
        let minutes = minutes.abs();
        let text = format!("{there}{sign}{:02}:{:02}", minutes / 60, minutes % 60);
        let text = if small { text.to_lowercase() } else { text };
        let headers = [("specversion", "1.0"), ("type", "a"), ("source", "/"), ("id", "1"), ("time", &text)];
        let headers = headers.map(|(name, value)| (format!("ce-{name}"), value.to_owned())).to_vec();
        let read = CloudEvents::binary().decode(&Message { headers, ..Message::default() });
        prop_assert_eq!(read.expect(&text).time(), time, "{}", text);
        Ok(())
    });
}
