//! One law, over any payload: see [`fixture_shapes`].
//!
//! `PROPTEST_CASES` raises the number of cases.

#[path = "law/config.rs"]
mod config;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use config::config;
use events::Lifespan;
use fixture_shapes::{NAMES, Seen, Verdict, hold};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{TestCaseError, TestRunner};
use serde_json::{Value, json};

/// A name, and the bytes of a payload.
#[derive(Clone)]
struct Message(String, Vec<u8>);

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dispatch_named({:?}, b\"{}\")", self.0, self.1.escape_ascii())
    }
}

/// Tries the law, and answers how often each verdict was given.
fn law_holds(cases_in_ci: u32, cases: &impl Strategy<Value = Message>) -> BTreeMap<&'static str, u32> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let app = runtime.block_on(Lifespan::builder().state(Seen::default()).start()).expect("a lifespan");
    let verdicts = RefCell::new(BTreeMap::new());
    let held = TestRunner::new(config(cases_in_ci, file!())).run(cases, |Message(name, json)| {
        let verdict = runtime.block_on(hold(&app, &name, &json)).map_err(TestCaseError::fail)?;
        let kind = match verdict {
            Verdict::Typed(_) => "typed",
            Verdict::Untyped(_) => "untyped",
            Verdict::NoName => "no name",
            Verdict::Malformed => "malformed",
            Verdict::Invalid => "invalid",
        };
        *verdicts.borrow_mut().entry(kind).or_default() += 1;
        Ok(())
    });
    if let Err(error) = held {
        panic!("{error}");
    }
    assert_eq!(runtime.block_on(app.shutdown()).expect("from outside").failed, 0);
    verdicts.into_inner()
}

fn text() -> impl Strategy<Value = Value> {
    prop_oneof!["[a-c]{0,3}", "[ -~]{0,24}", "\\PC{0,12}", "[\0-\u{9f}]{0,4}", any::<String>()].prop_map(Value::from)
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => (-2..13_i64).prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
    ]
}

fn maybe(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    option::of(value).prop_map(Value::from)
}

fn line() -> impl Strategy<Value = Value> {
    (text(), number()).prop_map(|(article, count)| json!({"article": article, "count": count}))
}

fn object(key: &str, value: impl Strategy<Value = Value>, len: usize) -> impl Strategy<Value = Value> {
    prop::collection::btree_map(key, value, 0..len).prop_map(|entries| entries.into_iter().collect())
}

fn stocked() -> impl Strategy<Value = Value> {
    let colours = object("-?[0-9]{1,3}", object("red|deep-blue", number(), 3), 3);
    let shelves = object("[0-9]{1,3}", any::<f64>().prop_map(Value::from), 5);
    (colours, shelves, object("[ -~]{0,4}|[\u{1}-\u{9f}]{1,2}", line(), 3))
        .prop_map(|(colours, shelves, lines)| json!({"colours": colours, "shelves": shelves, "lines": lines}))
}

fn asked() -> impl Strategy<Value = Value> {
    let leaf = (maybe(number()), maybe(line()));
    let leaf = leaf.prop_map(|(number, line)| json!({"howMany": number, "oneLine": line, "again": null}));
    leaf.prop_recursive(4, 4, 1, |inner| (inner, number()).prop_map(|(again, n)| json!({"howMany": n, "again": again})))
}

/// Payloads that fit the names of the family, or nearly.
fn fitting() -> impl Strategy<Value = (&'static str, Value)> {
    let fed =
        (text(), number(), maybe(text())).prop_map(|(cat, fish, note)| json!({"cat": cat, "fish": fish, "note": note}));
    let placed = (number(), vec(line(), 0..6)).prop_map(|(id, lines)| json!({"id": id, "lines": lines}));
    let opened = (text(), maybe(number())).prop_map(|(by, at)| json!({"by": by, "at": at}));
    let turned = (number(), any::<f64>()).prop_map(|(by, to)| json!([by, to]));
    let moved = (number(), option::of(any::<bool>()), any::<char>()).prop_map(|(n, b, c)| json!([n, b, c]));
    prop_oneof![
        fed.prop_map(|json| ("fed", json)),
        placed.prop_map(|json| ("placed", json)),
        opened.prop_map(|json| ("door-opened", json)),
        turned.prop_map(|json| ("door-turned", json)),
        line().prop_map(|json| ("door-held", json)),
        maybe(text()).prop_map(|json| ("door-named", json)),
        Just(("door-closed", Value::Null)),
        moved.prop_map(|json| ("moved", json)),
        stocked().prop_map(|json| ("stocked", json)),
        asked().prop_map(|json| ("asked", json)),
        line().prop_map(|json| ("parcelled", json)),
    ]
}

/// Any JSON, made of what the family is made of.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number(), text()];
    leaf.prop_recursive(6, 24, 4, |inner| {
        let key =
            "[a-z]{0,2}|cat|fish|note|id|lines|article|count|by|at|colours|shelves|howMany|oneLine|again|[0-9]{1,2}";
        prop_oneof![vec(inner.clone(), 0..4).prop_map(Value::from), object(key, inner, 5)]
    })
}

/// Puts another value in some place of a payload.
fn replace(value: &mut Value, place: Index, other: &Value) {
    let count = count(value);
    let mut left = place.index(count);
    visit(value, &mut |value| {
        let here = left == 0;
        left = left.wrapping_sub(1);
        if here {
            *value = other.clone();
        }
        !here
    });
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(entries) => entries.values().map(count).sum(),
        _ => 0,
    }
}

/// Visits a value and what is in it, until the visitor has had enough; answers whether it has not.
fn visit(value: &mut Value, visitor: &mut impl FnMut(&mut Value) -> bool) -> bool {
    visitor(value)
        && match value {
            Value::Array(items) => items.iter_mut().all(|item| visit(item, visitor)),
            Value::Object(entries) => entries.values_mut().all(|entry| visit(entry, visitor)),
            _ => true,
        }
}

/// What JSON is made of.
const SIGNS: &[u8] = b"{}[],:\"\\09eE.- ";

/// Leaves a byte out, puts one in, or doubles a part.
fn scratch(json: &mut Vec<u8>, place: Index, byte: u8) {
    let at = place.index(json.len() + 1);
    match byte % 4 {
        0 if at < json.len() => {
            json.remove(at);
        }
        1 => json.insert(at, byte),
        2 => json.insert(at, SIGNS[usize::from(byte / 4) % SIGNS.len()]),
        _ => json.extend_from_within(at..),
    }
}

#[test]
fn it_holds_for_what_fits() {
    let cases = fitting().prop_map(|(name, json)| Message(name.to_owned(), json.to_string().into_bytes()));
    let verdicts = law_holds(4000, &cases);
    let total: u32 = verdicts.values().sum();
    for kind in ["typed", "malformed", "invalid"] {
        assert!(verdicts[kind] > total / 20, "{verdicts:?}");
    }
}

#[test]
fn it_holds_for_near_misses() {
    let changes = vec((any::<Index>(), anything()), 0..3);
    let scratches = vec((any::<Index>(), any::<u8>()), 0..3);
    let cases =
        (fitting(), changes, scratches, any::<bool>()).prop_map(|((name, mut json), changes, scratches, pretty)| {
            for (place, other) in &changes {
                replace(&mut json, *place, other);
            }
            let text = if pretty { format!("{json:#}") } else { json.to_string() };
            let mut json = text.into_bytes();
            for (place, byte) in &scratches {
                scratch(&mut json, *place, *byte);
            }
            Message(name.to_owned(), json)
        });
    law_holds(4000, &cases);
}

#[test]
fn it_holds_for_any_json_under_any_name() {
    let name =
        prop_oneof![3 => select(&NAMES[..]).prop_map(str::to_owned), 1 => any::<String>(), 1 => "[a-z*?\\[-]{1,300}"];
    let cases = (name, anything()).prop_map(|(name, json)| Message(name, json.to_string().into_bytes()));
    let verdicts = law_holds(4000, &cases);
    for kind in ["typed", "untyped", "malformed", "no name"] {
        assert!(verdicts.contains_key(kind), "{verdicts:?}");
    }
}

#[test]
fn it_holds_for_any_bytes() {
    let cases = (select(&NAMES[..]), vec(any::<u8>(), 0..64));
    law_holds(4000, &cases.prop_map(|(name, json)| Message(name.to_owned(), json)));
}
