//! Payloads that break their own rules: what is said of them, and that nothing of them gets through.

mod support;

use std::collections::{BTreeMap, HashMap};

use events::{DispatchError, Emit, Event, Lifespan, State, ValidationErrors, dispatch, dispatch_unchecked, on};
use serde::{Deserialize, Serialize};
use support::Log;
use validator::{Validate, ValidationError};

#[derive(Clone, Debug, Event, Serialize, Deserialize, Validate)]
#[validate(schema(function = "affordable"))]
struct OrderPlaced {
    #[validate(length(min = 1, message = "every order has a customer"))]
    customer: String,
    #[validate(email)]
    #[serde(rename = "mail")]
    address: String,
    #[validate(nested)]
    lines: Vec<Line>,
    #[validate(nested)]
    by_day: BTreeMap<u8, Line>,
    #[validate(nested, required)]
    delivery: Option<Delivery>,
    #[validate(range(max = 1000))]
    budget: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[validate(range(min = 1, max = 10))]
    fish_count: u32,
    #[validate(length(min = 2, max = 5))]
    article: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, Validate)]
struct Delivery {
    #[validate(contains(pattern = "Street"))]
    street: String,
    #[validate(length(equal = 5))]
    code: String,
    #[validate(range(exclusive_min = 0.0, max = 1.5))]
    weight: f64,
}

fn affordable(order: &OrderPlaced) -> Result<(), ValidationError> {
    let fish: u32 = order.lines.iter().map(|line| line.fish_count).sum();
    if fish * 100 <= order.budget {
        return Ok(());
    }
    Err(ValidationError::new("affordable").with_message(format!("{fish} fish cost more than {}", order.budget).into()))
}

#[on("*")]
fn count(event: &events::AnyEvent, log: State<Log>) {
    log.write(event.name());
}

fn line(fish_count: u32, article: &str) -> Line {
    Line { fish_count, article: article.into() }
}

fn order() -> OrderPlaced {
    OrderPlaced {
        customer: "Tom".into(),
        address: "tom@example.org".into(),
        lines: vec![line(1, "fish")],
        by_day: BTreeMap::new(),
        delivery: Some(Delivery { street: "Cat Street".into(), code: "12345".into(), weight: 1.0 }),
        budget: 100,
    }
}

fn bad_order() -> OrderPlaced {
    OrderPlaced {
        customer: String::new(),
        address: "tom".into(),
        lines: vec![line(1, "fish"), line(0, "x")],
        by_day: [(3, line(1, "fish")), (7, line(11, "mackerel"))].into(),
        delivery: Some(Delivery { street: "Lane".into(), code: "1234".into(), weight: 0.0 }),
        budget: 1001,
    }
}

/// The errors of a payload, which must not have reached any handler.
async fn refused<E: Event>(event: E) -> ValidationErrors {
    let (app, log) = support::start_with(Lifespan::builder()).await;
    let Err(DispatchError::Invalid { errors, .. }) = app.scope(async { dispatch(event) }).await else {
        panic!("it is invalid")
    };
    assert_eq!(app.shutdown().await.expect("from outside").delivered, 0);
    assert!(log.take().is_empty());
    errors
}

#[tokio::test]
async fn each_field_has_its_path_on_the_wire_in_the_order_of_declaration() {
    let errors = refused(bad_order()).await;
    let lines: Vec<_> = errors.fields().iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            r#"`customer`: every order has a customer, got "" (length)"#,
            r#"`mail`: must be an e-mail address, got "tom" (email)"#,
            "`lines[1].fishCount`: must be from 1 to 10, got 0 (range)",
            r#"`lines[1].article`: must have 2 to 5 characters, got "x" (length)"#,
            "`by_day.7.fishCount`: must be from 1 to 10, got 11 (range)",
            r#"`by_day.7.article`: must have 2 to 5 characters, got "mackerel" (length)"#,
            r#"`delivery.street`: must contain "Street", got "Lane" (contains)"#,
            r#"`delivery.code`: must have exactly 5 characters, got "1234" (length)"#,
            "`delivery.weight`: must be more than 0.0 and at most 1.5, got 0.0 (range)",
            "`budget`: must be at most 1000, got 1001 (range)",
        ]
    );
    assert_eq!(errors.to_string(), lines.join("; "));
}

#[tokio::test]
async fn as_json_it_is_the_answer_to_a_request() {
    let errors = refused(OrderPlaced { delivery: None, budget: 1001, ..order() }).await;
    assert_eq!(
        serde_json::to_value(&errors).expect("it is JSON"),
        serde_json::json!({"errors": [
            {"path": "delivery", "code": "required", "message": "is missing", "value": null},
            {"path": "budget", "code": "range", "message": "must be at most 1000", "value": 1001},
        ]})
    );
}

#[tokio::test]
async fn a_payload_of_another_shape_has_the_same_json() {
    let (app, _) = support::start_with(Lifespan::builder()).await;
    let error = app.dispatch_named("order-placed", r#"{"customer":7}"#).expect_err("it does not fit");
    let fields = error.invalid_fields().expect("the payload is wrong");
    assert_eq!(
        serde_json::to_string(&fields).expect("it is JSON"),
        r#"{"errors":[{"path":"customer","code":"malformed","message":"invalid type: integer `7`, expected a string at line 1 column 13"}]}"#
    );
    let error = app.dispatch_named("", "{}").expect_err("no name");
    assert_eq!(error.invalid_fields(), None);
}

#[tokio::test]
async fn a_rule_over_the_whole_has_no_path() {
    let errors = refused(OrderPlaced { budget: 99, ..order() }).await;
    assert_eq!(errors.to_string(), "the payload: 1 fish cost more than 99 (affordable)");
    assert_eq!((errors.fields()[0].path.as_str(), &errors.fields()[0].value), ("", &None));
}

#[derive(Event)]
struct Relay(OrderPlaced);

#[on(order = 1)]
fn relay(event: &Relay) -> OrderPlaced {
    event.0.clone()
}

#[on(order = 2)]
fn emit(event: &Relay, emit: Emit<OrderPlaced>) -> Result<(), DispatchError> {
    emit.dispatch(event.0.clone())
}

#[tokio::test]
async fn it_is_invalid_on_every_path() {
    let (app, log) = support::start_with(Lifespan::builder()).await;
    let bad = || OrderPlaced { budget: 1001, ..order() };
    let text = "`order-placed` is invalid: `budget`: must be at most 1000, got 1001 (range)";
    let json = serde_json::to_string(&bad()).expect("it is JSON");
    let in_scope = app.scope(async { [dispatch(bad()), events::dispatch_named("order-placed", &json)] }).await;
    for answer in in_scope.into_iter().chain([app.dispatch(bad()), app.dispatch_named("order-placed", &json)]) {
        assert_eq!(answer.expect_err("it is invalid").to_string(), text);
    }
    assert_eq!(app.deliver(bad()).await.expect_err("it is invalid").to_string(), text);
    app.dispatch_unchecked(Relay(bad())).expect("unchecked");
    let report = app.shutdown().await.expect("from outside");
    assert_eq!((report.delivered, report.failed), (1, 2), "what handlers return and emit is checked as well");
    assert_eq!(log.take(), ["relay"]);
}

#[tokio::test]
async fn unchecked_is_not_checked() {
    let (app, log) = support::start_with(Lifespan::builder()).await;
    app.scope(async { dispatch_unchecked(bad_order()) }).await.expect("accepted");
    app.dispatch_unchecked(bad_order()).expect("accepted");
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["order-placed", "order-placed"]);
    assert!(matches!(dispatch_unchecked(bad_order()), Err(DispatchError::NoLifespan { .. })));
}

#[derive(Event, Serialize)]
enum Message {
    /// Has the rules of what it wraps.
    Ordered(OrderPlaced),
    Lines(Vec<Line>),
    Plain(u32),
    Named {
        #[allow(dead_code, reason = "it is in no rule")]
        line: Line,
    },
}

#[tokio::test]
async fn a_newtype_has_the_rules_of_what_it_wraps() {
    let errors = refused(Message::Ordered(OrderPlaced { budget: 1001, ..order() })).await;
    assert_eq!(errors.to_string(), "`budget`: must be at most 1000, got 1001 (range)");
    let errors = refused(Message::Lines(vec![line(1, "fish"), line(0, "fish")])).await;
    assert_eq!(errors.to_string(), "`[1].fishCount`: must be from 1 to 10, got 0 (range)");
    let errors = refused(Relay(OrderPlaced { budget: 1001, ..order() })).await;
    assert_eq!(errors.to_string(), "`budget`: must be at most 1000, got 1001 (range)");
    let (app, log) = support::start_with(Lifespan::builder()).await;
    app.dispatch(Message::Plain(1)).expect("no rules");
    app.dispatch(Message::Named { line: line(0, "") }).expect("no rules");
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["plain", "named"]);
}

#[derive(Event, Serialize)]
enum Account {
    Opened { owner: String },
    Moved(u32, u32),
}

/// What no attribute can say.
impl Validate for Account {
    fn validate(&self) -> Result<(), validator::ValidationErrors> {
        let mut errors = validator::ValidationErrors::new();
        match self {
            Self::Opened { owner } if owner.chars().any(char::is_numeric) => {
                errors.add("owner", ValidationError::new("name"));
            }
            Self::Moved(from, to) if from == to => errors.add("__all__", ValidationError::new("elsewhere")),
            Self::Opened { .. } | Self::Moved(..) => {}
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

#[tokio::test]
async fn a_check_by_hand_is_a_rule_like_any_other() {
    let errors = refused(Account::Opened { owner: "Tom 2".into() }).await;
    assert_eq!(errors.to_string(), r#"`owner`: breaks the rule `name`, got "Tom 2" (name)"#);
    let errors = refused(Account::Moved(1, 1)).await;
    assert_eq!(errors.to_string(), "the payload: breaks the rule `elsewhere` (elsewhere)");
}

#[derive(Event, Serialize, Validate)]
struct Readings {
    #[validate(nested)]
    all: Vec<Line>,
    #[validate(length(max = 3))]
    note: String,
    #[validate(length(max = 3))]
    list: Vec<u64>,
}

#[tokio::test]
async fn a_thousand_errors_and_five_megabytes_make_a_short_report() {
    let (all, note, list) = (vec![line(0, "fish"); 1000], "ü".repeat(2_500_000), (0..1000).collect());
    let errors = refused(Readings { all, note, list }).await;
    assert_eq!((errors.fields().len(), errors.more()), (100, 902));
    assert!(errors.to_string().ends_with("; and 902 more"), "{errors}");
    assert_eq!(serde_json::to_value(&errors).expect("it is JSON")["more"], 902);

    let (all, note, list) = (Vec::new(), "ü".repeat(2_500_000), (0..1000).collect());
    let errors = refused(Readings { all, note, list }).await;
    assert_eq!(
        errors.to_string(),
        format!(
            "`note`: must have at most 3 characters, got \"{}.. (5000000 bytes)\" (length); \
             `list`: must have at most 3 items, got \"[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,2.. (3891 bytes)\" (length)",
            "ü".repeat(32)
        )
    );
}

#[derive(Event, Validate)]
#[allow(dead_code, reason = "seen by rules alone")]
struct Silent {
    #[validate(length(min = 1))]
    zebra: String,
    #[validate(nested)]
    ape: Line,
    #[validate(range(min = 1))]
    r#type: u8,
}

#[tokio::test]
async fn a_type_without_json_is_reported_all_the_same() {
    let errors = refused(Silent { zebra: String::new(), ape: line(0, "x"), r#type: 0 }).await;
    assert_eq!(
        errors.to_string(),
        "`zebra`: must have at least 1 character, got \"\" (length); \
         `ape.article`: must have 2 to 5 characters, got \"x\" (length); \
         `ape.fish_count`: must be from 1 to 10, got 0 (range); \
         `type`: must be at least 1, got 0 (range)"
    );
}

#[derive(Event, Serialize, Validate)]
struct Paired {
    /// `validator` panics where a value that broke a rule has no JSON.
    #[validate(length(min = 2))]
    pairs: HashMap<(u8, u8), u8>,
}

#[tokio::test]
async fn a_check_that_panics_is_an_error() {
    let errors = refused(Paired { pairs: [((1, 2), 3)].into() }).await;
    assert_eq!(errors.fields()[0].code, "panic");
    assert!(errors.to_string().starts_with("the payload: the check panicked: "), "{errors}");
}

#[derive(Event)]
struct Nosy;

/// It looks around, and dispatches.
impl Validate for Nosy {
    fn validate(&self) -> Result<(), validator::ValidationErrors> {
        let scope = events::Scope::current().expect("rules are asked where the caller stands");
        dispatch(Account::Moved(1, 2)).expect("there is a scope");
        assert!(scope.lifespan().state::<Log>().is_some());
        Ok(())
    }
}

#[tokio::test]
async fn rules_stand_where_the_caller_stands() {
    let (app, log) = support::start_with(Lifespan::builder()).await;
    app.scope(async { dispatch(Nosy) }).await.expect("it is valid");
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["moved", "nosy"]);
}
