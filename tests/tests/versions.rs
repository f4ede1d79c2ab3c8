//! Old names and old payloads: they arrive, and handlers see the events of today.

mod support;

use events::{AnyEvent, DispatchError, Event, Lifespan, Metadata, State, dispatch_named, dispatch_named_version, on};
use serde::{Deserialize, Serialize};
use support::Log;
use validator::Validate;

#[derive(Debug, Event, Serialize, Deserialize, Validate)]
#[event(name = "cat-fed", alias = "cat_fed", alias = "feline.fed", version = 3, upgrade = [CatFedV1, CatFedV2])]
struct CatFed {
    cat: String,
    #[validate(range(min = 1))]
    grams: u32,
}

#[derive(Deserialize)]
struct CatFedV1 {
    kilos: u32,
}

#[derive(Deserialize)]
struct CatFedV2 {
    name: String,
    grams: u32,
}

impl From<CatFedV1> for CatFed {
    fn from(old: CatFedV1) -> Self {
        Self { cat: "unknown".into(), grams: old.kilos * 1000 }
    }
}

impl From<CatFedV2> for CatFed {
    fn from(old: CatFedV2) -> Self {
        Self { cat: old.name, grams: old.grams }
    }
}

#[derive(Debug, Event, Serialize, Deserialize)]
enum Door {
    #[event(name = "door-opened", alias = "door_opened", version = 2, upgrade = u8)]
    Opened { side: String },
    #[event(alias = "door_closed")]
    Closed,
}

impl From<u8> for Door {
    fn from(side: u8) -> Self {
        if side == 9 { Self::Closed } else { Self::Opened { side: format!("side {side}") } }
    }
}

#[on("*")]
fn audit(event: &AnyEvent, metadata: Metadata, log: State<Log>) {
    log.write(format!("{} v{} {}", event.name(), metadata.version(), event.json()));
}

async fn start() -> (Lifespan, State<Log>) {
    support::start_with(Lifespan::builder()).await
}

/// What handlers saw of a payload.
async fn seen(name: &str, version: Option<u32>, json: &str) -> String {
    let (app, log) = start().await;
    app.scope(async {
        match version {
            None => dispatch_named(name, json),
            Some(version) => dispatch_named_version(name, version, json),
        }
    })
    .await
    .expect("it is read");
    log.take().join(" ")
}

async fn refused(name: &str, version: u32, json: &str) -> String {
    let (app, _) = start().await;
    app.dispatch_named_version(name, version, json).expect_err("it is refused").to_string()
}

const TODAY: &str = r#"{"cat":"Tom","grams":5}"#;

#[tokio::test]
async fn an_alias_is_the_event_under_its_real_name() {
    for name in ["cat-fed", "cat_fed", "feline.fed"] {
        assert_eq!(seen(name, None, TODAY).await, format!("cat-fed v3 {TODAY}"));
    }
    assert_eq!(seen("door_closed", None, "null").await, "closed v1 null");
    assert_eq!(seen("door_opened", None, r#"{"side":"left"}"#).await, r#"door-opened v2 {"side":"left"}"#);
}

#[tokio::test]
async fn an_older_payload_becomes_one_of_today() {
    let (first, second) = (r#"{"kilos":2}"#, r#"{"name":"Tom","grams":5}"#);
    let upgraded = r#"cat-fed v3 {"cat":"unknown","grams":2000}"#;
    assert_eq!(seen("cat-fed", None, first).await, upgraded);
    assert_eq!(seen("cat_fed", Some(1), first).await, upgraded);
    assert_eq!(seen("cat-fed", None, second).await, format!("cat-fed v3 {TODAY}"));
    assert_eq!(seen("cat-fed", Some(2), second).await, format!("cat-fed v3 {TODAY}"));
    assert_eq!(seen("cat-fed", Some(3), TODAY).await, format!("cat-fed v3 {TODAY}"));
}

#[tokio::test]
async fn a_variant_may_become_another_one() {
    assert_eq!(seen("door-opened", None, "7").await, r#"door-opened v2 {"side":"side 7"}"#);
    assert_eq!(seen("door-opened", Some(1), "9").await, "closed v1 null");
}

#[tokio::test]
async fn what_was_upgraded_is_checked_by_the_rules_of_today() {
    assert_eq!(
        refused("cat-fed", 1, r#"{"kilos":0}"#).await,
        "`cat-fed` is invalid: `grams`: must be at least 1, got 0 (range)"
    );
}

#[tokio::test]
async fn a_version_that_is_said_is_read_as_no_other() {
    assert_eq!(
        refused("cat-fed", 2, TODAY).await,
        "the payload of `cat-fed` does not fit: missing field `name` at line 1 column 23"
    );
    assert_eq!(refused("cat-fed", 4, TODAY).await, "`cat-fed` is in version 4, and this binary reads versions 1 to 3");
    assert_eq!(refused("cat-fed", 0, TODAY).await, "`cat-fed` is in version 0, and this binary reads versions 1 to 3");
    assert_eq!(refused("closed", 2, "null").await, "`closed` is in version 2, and this binary reads version 1 alone");
    assert_eq!(seen("unheard-of", Some(7), "{}").await, "unheard-of v1 {}");
}

#[tokio::test]
async fn what_fits_no_version_is_told_of_today() {
    let (app, _) = start().await;
    let error = app.dispatch_named("cat_fed", r#"{"cat":"Tom"}"#).expect_err("it does not fit");
    assert!(matches!(error, DispatchError::Malformed { .. }));
    assert_eq!(error.to_string(), "the payload of `cat-fed` does not fit: missing field `grams` at line 1 column 13");
}

#[test]
fn outside_of_a_lifespan_a_version_is_refused_as_well() {
    assert!(matches!(dispatch_named_version("cat-fed", 1, "{}"), Err(DispatchError::NoLifespan { .. })));
}
