//! Enums as families of events: which variants a handler gets, what each kind of variant is on the wire, and what is refused.

mod payload_support;

use std::collections::BTreeMap;

use events::{AnyEvent, Event, State, View, dispatch, dispatch_named, on};
use payload_support::{Seen, refusal, start};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
#[event(prefix = "user.")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
enum UserEvent {
    Gone,
    Pinged(),
    Ponged {},
    Renamed(String),
    Aged(Option<u8>),
    Marked(Mark),
    Moved(i32, Option<i32>),
    SignedUp {
        mail_address: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        nick: Option<String>,
    },
    Billed(Bill),
    Counted {
        by_shelf: BTreeMap<Shelf, u128>,
        least: i128,
        #[serde(flatten)]
        bill: Option<Bill>,
    },
    Became(Role),
    #[event(name = "пользователь-вышел")]
    Left {
        at: f64,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Mark;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Shelf(u8);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Bill {
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Line {
    count: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    Guest,
    Owner { of: Vec<Shelf> },
}

#[on]
fn every_variant(event: &UserEvent, seen: State<Seen>) {
    seen.add("every variant", event.clone());
}

#[on("user.[bc]*")]
fn some_variants(event: &UserEvent, seen: State<Seen>) {
    assert!(matches!(event, UserEvent::Billed(_) | UserEvent::Counted { .. } | UserEvent::Became(_)), "{event:?}");
    seen.add("some variants", event.name());
}

#[on("user.renamed", "*-вышел")]
fn two_variants(event: &UserEvent, seen: State<Seen>) {
    assert!(matches!(event, UserEvent::Renamed(_) | UserEvent::Left { .. }), "{event:?}");
    seen.add("two variants", event.name());
}

#[on("user.billed")]
fn as_its_fields(event: View<Bill>, seen: State<Seen>) {
    seen.add("a bill", event.0);
}

#[on("*")]
fn written(event: &AnyEvent, seen: State<Seen>) {
    seen.add("written", event.json().to_string());
}

fn bill() -> Bill {
    Bill { lines: vec![Line { count: 2 }] }
}

/// Each kind of variant, with what it is on the wire.
fn family() -> [(UserEvent, &'static str); 17] {
    let owner = Role::Owner { of: vec![Shelf(1)] };
    let counted = |bill| UserEvent::Counted { by_shelf: [(Shelf(3), u128::MAX)].into(), least: i128::MIN, bill };
    let signed_up = |nick| UserEvent::SignedUp { mail_address: "tom@cat".into(), nick };
    [
        (UserEvent::Gone, "null"),
        (UserEvent::Pinged(), "[]"),
        (UserEvent::Ponged {}, "{}"),
        (UserEvent::Renamed("\"}".into()), r#""\"}""#),
        (UserEvent::Aged(None), "null"),
        (UserEvent::Aged(Some(7)), "7"),
        (UserEvent::Marked(Mark), "null"),
        (UserEvent::Moved(1, None), "[1,null]"),
        (signed_up(None), r#"{"mailAddress":"tom@cat"}"#),
        (signed_up(Some("Tom".into())), r#"{"mailAddress":"tom@cat","nick":"Tom"}"#),
        (UserEvent::Billed(bill()), r#"{"lines":[{"count":2}]}"#),
        (UserEvent::Became(Role::Guest), r#""guest""#),
        (UserEvent::Became(owner), r#"{"owner":{"of":[1]}}"#),
        (UserEvent::Left { at: 0.1 + 0.2 }, r#"{"at":0.30000000000000004}"#),
        (UserEvent::Left { at: -0.0 }, r#"{"at":-0.0}"#),
        (
            counted(None),
            r#"{"byShelf":{"3":340282366920938463463374607431768211455},"least":-170141183460469231731687303715884105728}"#,
        ),
        (
            counted(Some(bill())),
            r#"{"byShelf":{"3":340282366920938463463374607431768211455},"least":-170141183460469231731687303715884105728,"lines":[{"count":2}]}"#,
        ),
    ]
}

#[tokio::test]
async fn a_variant_is_its_fields_and_goes_to_the_handlers_of_its_name() {
    let (app, seen) = start().await;
    for (event, json) in family() {
        let name = event.name();
        for by_name in [false, true] {
            let sent = event.clone();
            app.scope(async { if by_name { dispatch_named(name, json) } else { dispatch(sent) } })
                .await
                .expect("accepted");
            assert_eq!(seen.take::<String>("written").as_deref(), Some(json), "{name}, by name: {by_name}");
            assert_eq!(seen.take("every variant"), Some(event.clone()), "{name}, by name: {by_name}");
            let some = ["user.billed", "user.became", "user.counted"].contains(&name);
            assert_eq!(seen.take::<&str>("some variants").is_some(), some, "{name}");
            let two = ["user.renamed", "пользователь-вышел"].contains(&name);
            assert_eq!(seen.take::<&str>("two variants").is_some(), two, "{name}");
            assert_eq!(seen.take("a bill"), (name == "user.billed").then(bill), "{name}");
            assert!(seen.is_empty(), "{name}: {seen:?}");
        }
    }
    assert_eq!(app.shutdown().await.expect("from outside").failed, 0);
}

#[tokio::test]
async fn a_variant_with_a_wrong_payload_names_the_path() {
    let cases = [
        ("user.gone", "{}", "invalid type: map, expected unit"),
        ("user.gone", "", "EOF while parsing a value"),
        ("user.pinged", "[1]", "trailing characters"),
        ("user.renamed", "null", "invalid type: null, expected a string"),
        ("user.aged", "256", "invalid value: integer `256`, expected u8"),
        ("user.moved", r#"[1,"two"]"#, "at `[1]`: invalid type: string \"two\", expected i32"),
        ("user.signed-up", r#"{"nick":null}"#, "missing field `mailAddress`"),
        ("user.signed-up", r#"{"mailAddress":1}"#, "at `mailAddress`: invalid type: integer `1`, expected a string"),
        (
            "user.billed",
            r#"{"lines":[{"count":1},{"count":-1}]}"#,
            "at `lines[1].count`: invalid value: integer `-1`, expected u32",
        ),
        ("user.became", r#"{"owner":{"of":[1,null]}}"#, "at `owner.of[1]`: invalid type: null, expected u8"),
        ("user.became", r#""king""#, "unknown variant `king`, expected `guest` or `owner`"),
        ("user.billed", r#"{"lines":[]}]"#, "trailing characters"),
        ("user.billed", r#"{"BILLED":{"lines":[]}}"#, "missing field `lines`"),
    ];
    for (name, json, expected) in cases {
        let error = refusal(name, json).await;
        let prefix = format!("the payload of `{name}` does not fit: ");
        let reason = error.strip_prefix(&prefix).expect("it says whose payload does not fit");
        assert!(reason.starts_with(expected), "{name} {json}: {reason}");
    }
}
