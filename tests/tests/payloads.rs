//! Payloads of every shape, on every way to a handler: as values, by name, as JSON and as a view.

mod payload_support;

use std::collections::BTreeMap;

use events::Event;
use jiff::Timestamp;
use payload_support::{handlers, read, refusal, travels};
use serde::{Deserialize, Serialize};

handlers! {
Rang: "rang" in rang;
    Moved: "moved" in moved;
    Titled: "titled" in titled;
    Perhaps: "perhaps" in perhaps;
    Optional: "optional" in optional;
    Nested: "nested" in nested;
    Flat: "flat" in flat;
    Renamed: "renamed" in renamed;
    Defaulted: "defaulted" in defaulted;
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
struct Rang;

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
struct Moved(i32, i32);

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
struct Titled(String);

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
struct Perhaps(Option<u32>);

#[tokio::test]
async fn structs_of_every_kind() {
    travels(Rang, "null").await;
    travels(Moved(1, -2), "[1,-2]").await;
    travels(Titled("a \"quoted\"\n🐟\u{0}".into()), r#""a \"quoted\"\n🐟\u0000""#).await;
    travels(Perhaps(None), "null").await;
    travels(Perhaps(Some(7)), "7").await;
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
struct Optional {
    one: Option<u8>,
    many: Option<Vec<Option<u8>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rare: Option<Box<Optional>>,
}

#[tokio::test]
async fn optional_fields() {
    let none = Optional { one: None, many: None, rare: None };
    travels(none.clone(), r#"{"one":null,"many":null}"#).await;
    let some = Optional { one: Some(1), many: Some(vec![None, Some(2)]), rare: Some(Box::new(none.clone())) };
    travels(some, r#"{"one":1,"many":[null,2],"rare":{"one":null,"many":null}}"#).await;
    assert_eq!(read::<Optional>("optional", "{}").await, none);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Outer {
    Unit,
    One(Inner),
    Two(Option<Box<Outer>>, u8),
    Three { inner: Vec<Inner> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Inner {
    Tagged { n: u8 },
    Bare,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Loose {
    Number(i64),
    Text(String),
    List(Vec<Loose>),
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
struct Nested {
    outer: Vec<Outer>,
    loose: Loose,
    adjacent: Adjacent,
    result: Result<u8, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    Pair(u8, u8),
}

#[tokio::test]
async fn enums_inside_of_payloads() {
    let event = Nested {
        outer: vec![
            Outer::Unit,
            Outer::One(Inner::Bare),
            Outer::Two(Some(Box::new(Outer::Unit)), 1),
            Outer::Three { inner: vec![Inner::Tagged { n: 2 }] },
        ],
        loose: Loose::List(vec![Loose::Number(-1), Loose::Text("a".into())]),
        adjacent: Adjacent::Pair(3, 4),
        result: Err("no fish".into()),
    };
    let json = concat!(
        r#"{"outer":["Unit",{"One":{"kind":"bare"}},{"Two":["Unit",1]},{"Three":{"inner":[{"kind":"tagged","n":2}]}}],"#,
        r#""loose":[-1,"a"],"adjacent":{"t":"Pair","c":[3,4]},"result":{"Err":"no fish"}}"#
    );
    travels(event, json).await;
    let error = refusal("nested", r#"{"outer":[{"Three":{"inner":[{"kind":"bare"},{"kind":"bar"}]}}]}"#).await;
    assert!(error.contains("at `outer[0].Three.inner[1]"), "{error}");
    assert!(error.contains("unknown variant `bar`, expected `tagged` or `bare`"), "{error}");
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Common {
    id: u64,
    at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
struct Flat {
    #[serde(flatten)]
    common: Common,
    own: u8,
    #[serde(flatten)]
    more: BTreeMap<String, serde_json::Value>,
}

#[tokio::test]
async fn flattened_fields() {
    let common = Common { id: u64::MAX, at: None };
    let more = [("x".to_owned(), serde_json::json!({"y": [1.5, null]}))].into();
    travels(Flat { common, own: 2, more }, r#"{"id":18446744073709551615,"at":null,"own":2,"x":{"y":[1.5,null]}}"#)
        .await;
    let error = refusal("flat", r#"{"id":"one","own":2}"#).await;
    assert!(error.contains("invalid type: string \"one\", expected u64"), "{error}");
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Renamed {
    cat_name: String,
    #[serde(rename = "n", alias = "count")]
    fish_count: u32,
    #[serde(skip)]
    forgotten: u8,
    r#type: (),
}

#[tokio::test]
async fn renamed_fields() {
    let event = Renamed { cat_name: "Tom".into(), fish_count: 2, forgotten: 0, r#type: () };
    travels(event.clone(), r#"{"catName":"Tom","n":2,"type":null}"#).await;
    assert_eq!(read::<Renamed>("renamed", r#"{"count":2,"type":null,"catName":"Tom"}"#).await, event);
    assert_eq!(
        refusal("renamed", r#"{"cat_name":"Tom"}"#).await,
        "the payload of `renamed` does not fit: at `cat_name`: unknown field `cat_name`, expected one of `catName`, `count`, `n`, `type` at line 1 column 11"
    );
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
#[serde(default)]
struct Defaulted {
    fish: u32,
    #[serde(default = "tom")]
    cat: String,
    list: Vec<u8>,
}

fn tom() -> String {
    "Tom".into()
}

impl Default for Defaulted {
    fn default() -> Self {
        Self { fish: 3, cat: "nobody".into(), list: vec![1] }
    }
}

#[tokio::test]
async fn fields_with_defaults() {
    let event = Defaulted { fish: 3, cat: "Tom".into(), list: vec![1] };
    travels(event.clone(), r#"{"fish":3,"cat":"Tom","list":[1]}"#).await;
    assert_eq!(read::<Defaulted>("defaulted", "{}").await, event);
    assert_eq!(read::<Defaulted>("defaulted", r#"{"list":[]}"#).await, Defaulted { list: vec![], ..event });
}
