//! `#[event(secret)]`: what is not told of a payload that is wrong.

use std::collections::BTreeMap;

use events::{Event, Lifespan};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Debug, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[validate(range(min = 1, max = 10))]
    fish_count: u32,
    #[validate(length(min = 2, max = 5))]
    article: String,
}

#[derive(Debug, Event, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase")]
struct SignedUp {
    #[validate(length(min = 3))]
    name: String,
    #[event(secret)]
    #[validate(length(min = 12))]
    pass_word: String,
    #[event(secret)]
    #[validate(nested)]
    card: Line,
    #[serde(default, flatten)]
    #[validate(nested)]
    extra: Option<Flat>,
}

#[derive(Debug, Serialize, Deserialize, Validate)]
struct Flat {
    #[validate(range(max = 3))]
    level: u8,
}

#[tokio::test]
async fn a_secret_is_in_no_message() {
    let extra = Some(Flat { level: 4 });
    let event = SignedUp {
        name: "Al".into(),
        pass_word: "hunter2".into(),
        card: Line { fish_count: 44, article: "4411".into() },
        extra,
    };
    let app = start().await;
    let error = app.dispatch(event).expect_err("it is invalid");
    assert_eq!(
        error.to_string(),
        "`signed-up` is invalid: `name`: must have at least 3 characters, got \"Al\" (length); \
         `passWord`: must have at least 12 characters (length); \
         `card.fishCount`: must be from 1 to 10 (range); \
         `level`: must be at most 3, got 4 (range)"
    );
    let refused = |json: &str| app.dispatch_named("signed-up", json).expect_err("it does not fit").to_string();
    let hidden = "what stands there is no value of its type, and is secret";
    let cases = [
        (r#"{"name":"Alf","passWord":["hunter2"]}"#, format!("at `passWord`: {hidden}")),
        (r#"{"name":"Alf","passWord":"","card":{"fishCount":"4411"}}"#, format!("at `card`: {hidden}")),
        (r#"{"name":7}"#, "at `name`: invalid type: integer `7`, expected a string at line 1 column 9".to_owned()),
        // Serde does not say which field it was: it may be one that is flattened.
        (r#"{"name":"Alf"}"#, hidden.to_owned()),
    ];
    for (json, expected) in cases {
        assert_eq!(refused(json), format!("the payload of `signed-up` does not fit: {expected}"));
    }
}

#[derive(Event, Deserialize)]
#[allow(dead_code, reason = "read alone")]
struct Login {
    user: u32,
    #[event(secret)]
    code: u32,
}

#[derive(Event, Serialize, Deserialize)]
struct Token(#[event(secret)] u32);

#[tokio::test]
async fn a_secret_is_in_no_error_of_its_type() {
    let app = start().await;
    let refused = |name: &str, json: &str| app.dispatch_named(name, json).expect_err("it does not fit").to_string();
    assert_eq!(
        refused("login", r#"{"user":1,"code":"hunter2"}"#),
        "the payload of `login` does not fit: at `code`: what stands there is no value of its type, and is secret"
    );
    assert_eq!(
        refused("login", r#"{"user":"tom","code":7}"#),
        "the payload of `login` does not fit: at `user`: invalid type: string \"tom\", expected u32 at line 1 column 13"
    );
    assert_eq!(
        refused("login", r#"{"user":7}"#),
        "the payload of `login` does not fit: missing field `code` at line 1 column 10"
    );
    assert_eq!(
        refused("token", r#""hunter2""#),
        "the payload of `token` does not fit: what stands there is no value of its type, and is secret"
    );
}

#[derive(Event, Serialize, Deserialize, Validate)]
struct Vault {
    #[event(secret)]
    #[serde(default)]
    keys: BTreeMap<String, u8>,
    #[event(secret)]
    #[serde(default)]
    #[validate(nested)]
    lines: BTreeMap<String, Line>,
}

#[tokio::test]
async fn the_keys_of_a_secret_map_are_secret() {
    let app = start().await;
    let refused = |json: &str| app.dispatch_named("vault", json).expect_err("it does not fit").to_string();
    assert_eq!(
        refused(r#"{"keys":{"hunter2":300}}"#),
        "the payload of `vault` does not fit: at `keys`: what stands there is no value of its type, and is secret"
    );
    assert_eq!(
        refused(r#"{"lines":{"hunter2":{"fishCount":0,"article":"fish"}}}"#),
        "`vault` is invalid: `lines[0].fishCount`: must be from 1 to 10 (range)"
    );
}

async fn start() -> Lifespan {
    Lifespan::builder().start().await.expect("a lifespan")
}
