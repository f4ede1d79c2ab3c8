//! Enums whose serde form is not the default one: nothing of them may come out as the fields of another variant.

mod payload_support;

use events::{AnyEvent, Event, State, dispatch, on};
use payload_support::{Seen, refusal, start};
use serde::{Deserialize, Serialize};

#[on("*")]
fn written(event: &AnyEvent, seen: State<Seen>) {
    seen.add("written", event.json().to_string());
}

async fn json_of(event: impl Event) -> String {
    let (app, seen) = start().await;
    app.scope(async { dispatch(event) }).await.expect("a value needs no JSON");
    seen.take("written").expect("it was delivered")
}

const NO_FIELDS: &str =
    "could not be serialised: an event enum must be serialised in serde's default form, `{\"Variant\": fields}`>";

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
#[event(prefix = "text-")]
#[serde(into = "String", try_from = "String")]
enum AsText {
    One(u8),
}

impl From<AsText> for String {
    fn from(AsText::One(n): AsText) -> Self {
        format!("one {n}")
    }
}

impl TryFrom<String> for AsText {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Ok(Self::One(text.trim_start_matches("one ").parse()?))
    }
}

/// Its text was taken for the name of a variant without fields, so that its JSON was `null`.
#[tokio::test]
async fn an_enum_that_is_a_text_has_no_fields() {
    assert_eq!(json_of(AsText::One(7)).await, format!("<`AsText` {NO_FIELDS}"));
    let error = refusal("text-one", r#""one 7""#).await;
    assert!(error.ends_with("must be read in serde's default form, without `tag` or `untagged`"), "{error}");
}

#[derive(Clone, Debug, PartialEq, Event, Serialize)]
#[event(prefix = "wire-")]
#[serde(into = "Wire")]
enum AsStruct {
    One(u8),
}

#[derive(Serialize)]
struct Wire {
    kind: &'static str,
}

impl From<AsStruct> for Wire {
    fn from(_: AsStruct) -> Self {
        Self { kind: "one" }
    }
}

/// The only field of a struct was taken for the fields of a variant.
#[tokio::test]
async fn an_enum_that_is_a_struct_has_no_fields() {
    assert_eq!(json_of(AsStruct::One(7)).await, format!("<`AsStruct` {NO_FIELDS}"));
}

#[derive(Clone, Debug, PartialEq, Event, Deserialize)]
#[event(prefix = "there-")]
#[serde(from = "Swapped")]
enum There {
    Left(u8),
    Right(u8),
}

#[derive(Deserialize)]
enum Swapped {
    Right(u8),
    Left(u8),
}

impl From<Swapped> for There {
    fn from(swapped: Swapped) -> Self {
        match swapped {
            Swapped::Right(n) => Self::Right(n),
            Swapped::Left(n) => Self::Left(n),
        }
    }
}

/// Handlers of `there-left` were given a `There::Right`.
#[tokio::test]
async fn a_payload_of_another_variant_does_not_fit() {
    assert_eq!(
        refusal("there-left", "7").await,
        "the payload of `there-left` does not fit: it became a `there-right`: an event enum must be read in serde's default form, its variants in the order of the type"
    );
}
