//! Events that are known by their name and their JSON: those of linked types, and those that no type has.

mod support;

use events::{AnyEvent, DispatchError, Event, FailureCause, Lifespan, State, View, dispatch_named, on};
use serde::{Deserialize, Serialize};
use support::Log;
use validator::Validate;

async fn start() -> (Lifespan, State<Log>) {
    support::start_with(Lifespan::builder()).await
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize, Validate)]
struct OrderPlaced {
    #[validate(range(min = 1))]
    id: u64,
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Line {
    article: String,
    count: u32,
}

#[on]
fn placed(event: &OrderPlaced, log: State<Log>) {
    log.write(format!("placed {} {}", event.id, event.lines.len()));
}

#[on("*")]
fn audit(event: &AnyEvent, log: State<Log>) {
    log.write(format!("{} {}", event.name(), event.json()));
}

#[derive(Deserialize)]
struct HasId {
    id: u64,
}

#[on("seen-*", order = 1)]
fn seen(event: View<HasId>, log: State<Log>) {
    log.write(format!("id {}", event.id));
}

/// Dispatches in a scope of its own, and answers what the handlers wrote.
async fn named(name: &str, json: impl AsRef<[u8]>) -> Result<Vec<String>, DispatchError> {
    let (app, log) = start().await;
    app.scope(async { dispatch_named(name, json) }).await?;
    Ok(log.take())
}

async fn refusal(name: &str, json: impl AsRef<[u8]>) -> String {
    let (app, log) = start().await;
    let error = app.scope(async { dispatch_named(name, json) }).await.expect_err("it is refused");
    assert!(log.take().is_empty(), "nothing was queued");
    error.to_string()
}

#[tokio::test]
async fn a_known_name_becomes_the_typed_event() {
    let json = r#"{"id":7,"lines":[{"article":"fish","count":2}]}"#;
    assert_eq!(
        named("order-placed", json).await.expect("it fits"),
        ["placed 7 1".into(), format!("order-placed {json}")]
    );
}

#[tokio::test]
async fn an_unknown_name_goes_to_untyped_handlers_as_it_was_written() {
    let json = r#"{ "id": 18446744073709551615, "more": [1.50, null] }"#;
    assert_eq!(
        named("seen-elsewhere", json).await.expect("it is JSON"),
        [format!("seen-elsewhere {json}"), "id 18446744073709551615".into()]
    );
}

#[tokio::test]
async fn a_payload_of_any_json_reaches_untyped_handlers() {
    for json in ["null", "7", "\"text\"", "[1,2]", "true", "{}"] {
        assert_eq!(named("unheard-of", json).await.expect("it is JSON"), [format!("unheard-of {json}")]);
    }
}

#[tokio::test]
async fn a_view_that_does_not_fit_is_a_failure_of_its_handler_alone() {
    let (app, log) = start().await;
    app.scope(async { dispatch_named("seen-elsewhere", r#"{"id":"seven"}"#) }).await.expect("it is JSON");
    assert_eq!(log.take(), [r#"seen-elsewhere {"id":"seven"}"#]);
    assert_eq!(app.shutdown().await.expect("from outside").failed, 1);
}

#[tokio::test]
async fn a_wrong_payload_names_the_field() {
    let cases = [
        (
            r#"{"id":7,"lines":[{"article":"fish","count":"two"}]}"#,
            "at `lines[0].count`: invalid type: string \"two\", expected u32 at line 1 column 48",
        ),
        (r#"{"id":7,"lines":[{"article":"fish"}]}"#, "at `lines[0]`: missing field `count` at line 1 column 35"),
        (r#"{"id":-7,"lines":[]}"#, "at `id`: invalid value: integer `-7`, expected u64 at line 1 column 8"),
        (r#"{"lines":[]}"#, "missing field `id` at line 1 column 12"),
        ("[7]", "invalid length 1, expected struct OrderPlaced with 2 elements at line 1 column 3"),
        ("7", "invalid type: integer `7`, expected struct OrderPlaced at line 1 column 1"),
        ("", "EOF while parsing a value at line 1 column 0"),
        ("{\"id\":7,\"lines\":[]} x", "trailing characters at line 1 column 21"),
        ("not json", "expected ident at line 1 column 2"),
    ];
    for (json, expected) in cases {
        let error = refusal("order-placed", json).await;
        assert_eq!(error, format!("the payload of `order-placed` does not fit: {expected}"));
    }
    let error = refusal("order-placed", b"\"\xff\"").await;
    assert!(error.starts_with("the payload of `order-placed` does not fit: "), "{error}");
    let error = refusal("unheard-of", "not json").await;
    assert_eq!(error, "the payload of `unheard-of` does not fit: expected ident at line 1 column 2");
}

#[tokio::test]
async fn a_payload_that_breaks_its_rules_is_invalid() {
    let error = refusal("order-placed", r#"{"id":0,"lines":[]}"#).await;
    assert_eq!(error, "`order-placed` is invalid: `id`: must be at least 1, got 0 (range)");
}

#[tokio::test]
async fn a_text_that_cannot_be_a_name_is_refused() {
    assert_eq!(refusal("", "{}").await, "`` cannot be dispatched: an event name must not be empty");
    assert_eq!(
        refusal("cat fed", "{}").await,
        "`cat fed` cannot be dispatched: an event name must not contain white space or control characters"
    );
    assert_eq!(
        refusal("cat-*", "{}").await,
        "`cat-*` cannot be dispatched: an event name must not contain `*`, `?`, `[` or `]`, which mean something in patterns"
    );
    let megabyte = "ü".repeat(524_288);
    assert_eq!(
        refusal(&megabyte, "{}").await,
        format!(
            "`{}.. (1048576 bytes)` cannot be dispatched: an event name must not be longer than 255 bytes",
            "ü".repeat(32)
        )
    );
}

#[tokio::test]
async fn ten_thousand_unknown_names_are_all_delivered() {
    let (app, log) = start().await;
    app.scope(async {
        for n in 0..10_000 {
            dispatch_named(&format!("unknown-{n}"), "{}").expect("it is JSON");
        }
    })
    .await;
    let lines = log.take();
    assert_eq!((lines.len(), lines[9_999].as_str()), (10_000, "unknown-9999 {}"));
}

#[test]
fn outside_of_a_lifespan_a_name_is_refused_as_well() {
    assert!(matches!(dispatch_named("order-placed", "{}"), Err(DispatchError::NoLifespan { .. })));
}

#[derive(Event)]
struct Opaque;

#[tokio::test]
async fn a_type_that_cannot_be_deserialised_says_what_to_derive() {
    assert_eq!(
        refusal("opaque", "null").await,
        "`opaque` cannot be dispatched by name: derive `serde::Deserialize` for its type `Opaque`"
    );
}

#[tokio::test]
async fn an_event_without_json_says_so_instead_of_pretending() {
    let (app, log) = start().await;
    app.scope(async { events::dispatch(Opaque) }).await.expect("accepted");
    assert_eq!(log.take(), ["opaque <`Opaque` has no JSON: derive `serde::Serialize` for it>"]);
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
#[event(prefix = "user-")]
enum User {
    SignedUp {
        email: String,
        age: Option<u8>,
    },
    #[event(name = "user.renamed")]
    #[serde(rename = "odd \"name\"")]
    Renamed(Line),
    Moved(i32, i32),
    Tagged(Vec<String>),
    Gone,
}

#[on("user-*")]
fn user(event: &User, log: State<Log>) {
    log.write(format!("{event:?}"));
}

#[tokio::test]
async fn a_variant_is_its_fields_on_the_wire_and_comes_back_equal() {
    let line = Line { article: "fish".into(), count: 2 };
    let cases = [
        (User::SignedUp { email: "tom@cat".into(), age: None }, r#"{"email":"tom@cat","age":null}"#),
        (User::Renamed(line), r#"{"article":"fish","count":2}"#),
        (User::Moved(1, -2), "[1,-2]"),
        (User::Tagged(vec!["a".into(), "}".into()]), r#"["a","}"]"#),
        (User::Gone, "null"),
    ];
    for (event, json) in cases {
        let (app, log) = start().await;
        let name = event.name();
        app.scope(async { events::dispatch(event.clone()) }).await.expect("accepted");
        let dispatched = log.take();
        assert!(dispatched.contains(&format!("{name} {json}")), "{dispatched:?}");
        assert_eq!(dispatched.contains(&format!("{event:?}")), name != "user.renamed", "the pattern is `user-*`");
        app.scope(async { dispatch_named(name, json) }).await.expect("it fits");
        assert_eq!(log.take(), dispatched);
    }
}

#[tokio::test]
async fn a_wrong_variant_names_the_field() {
    let error = refusal("user-signed-up", r#"{"email":"tom@cat","age":300}"#).await;
    assert_eq!(
        error,
        "the payload of `user-signed-up` does not fit: at `age`: invalid value: integer `300`, expected u8 at line 1 column 28"
    );
    let error = refusal("user.renamed", r#"{"article":"fish"}"#).await;
    assert_eq!(error, "the payload of `user.renamed` does not fit: missing field `count` at line 1 column 18");
    let error = refusal("user-moved", "[1]").await;
    assert!(error.starts_with("the payload of `user-moved` does not fit: invalid length 1"), "{error}");
    let error = refusal("user-gone", "{}").await;
    assert!(error.starts_with("the payload of `user-gone` does not fit: invalid type: map"), "{error}");
}

#[derive(Event, Serialize)]
struct Unserialisable {
    by_pair: std::collections::BTreeMap<(u8, u8), u8>,
}

#[tokio::test]
async fn a_payload_whose_serialize_fails_says_why() {
    let (app, log) = start().await;
    let event = Unserialisable { by_pair: [((1, 2), 3)].into() };
    app.scope(async { events::dispatch(event) }).await.expect("accepted");
    assert_eq!(log.take(), ["unserialisable <`Unserialisable` could not be serialised: key must be a string>"]);
}

#[derive(Event, Serialize)]
struct Viewed {
    id: u64,
}

#[on("viewed")]
fn view_of_a_struct(_: View<Line>) {}

#[tokio::test]
async fn a_failing_view_is_an_error_with_the_path() {
    let (app, _) = start().await;
    let delivery = app.deliver(Viewed { id: 1 }).await.expect("accepted");
    let [failure] = delivery.failures() else { panic!("{delivery:?}") };
    assert_eq!(failure.handler(), "named::view_of_a_struct");
    assert!(matches!(failure.cause(), FailureCause::Error(_)));
    assert_eq!(failure.cause().to_string(), "missing field `article` at line 1 column 8");
    assert_eq!(failure.event().expect("an event").json().to_string(), r#"{"id":1}"#);
}
