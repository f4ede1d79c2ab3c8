//! The JSON Schemas of payloads, as the catalog gives them.

use std::collections::BTreeMap;

use events::{Event, catalog};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use validator::Validate;

/// A cat got something to eat.
#[derive(Event, Serialize, Deserialize, JsonSchema, Validate)]
#[event(alias = "cat_fed")]
#[serde(rename_all = "camelCase")]
struct CatFed {
    /// Its name, not its owner's.
    #[validate(length(min = 1, max = 40))]
    cat_name: String,
    #[validate(range(min = 1, max = 10))]
    fish: u32,
    #[validate(email)]
    owner: Option<String>,
    #[validate(nested)]
    meals: Vec<Meal>,
    by_day: BTreeMap<u8, Meal>,
}

#[derive(Serialize, Deserialize, JsonSchema, Validate)]
struct Meal {
    #[validate(range(max = 500))]
    grams: u32,
}

#[derive(Event, Serialize, Deserialize, JsonSchema)]
#[event(prefix = "user-")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum User {
    /// Somebody is new.
    SignedUp {
        meals: Vec<Meal>,
    },
    Invited(Vec<User>),
    #[serde(rename = "was moved")]
    Moved(u8, u8),
    /// Nobody knows where to.
    Gone,
    Back,
}

#[derive(Event, Serialize, Deserialize, JsonSchema)]
#[event(prefix = "door-")]
enum Door {
    Opened,
    Closed,
}

#[derive(Event)]
struct Plain;

fn schema(name: &str) -> serde_json::Value {
    catalog().schema(name).expect("the type derives it")
}

#[test]
fn doc_comments_and_rules_are_in_it() {
    let schema = schema("cat-fed");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["title"], "CatFed");
    assert_eq!(schema["description"], "A cat got something to eat.");
    let properties = &schema["properties"];
    assert_eq!(
        properties["catName"],
        json!({"description": "Its name, not its owner's.", "type": "string", "minLength": 1, "maxLength": 40})
    );
    assert_eq!((&properties["fish"]["minimum"], &properties["fish"]["maximum"]), (&json!(1), &json!(10)));
    assert_eq!(
        (&properties["owner"]["format"], &properties["owner"]["type"]),
        (&json!("email"), &json!(["string", "null"]))
    );
    assert_eq!(schema["$defs"]["Meal"]["properties"]["grams"]["maximum"], 500);
    assert_eq!(schema["required"], json!(["catName", "fish", "meals", "byDay"]));
    assert_eq!(catalog().schema("cat_fed").as_ref(), Some(&schema), "an alias is the event");
}

#[test]
fn a_variant_has_the_schema_of_its_fields_alone() {
    let signed_up = schema("user-signed-up");
    assert_eq!(signed_up["description"], "Somebody is new.");
    assert_eq!(signed_up["properties"]["meals"]["items"]["$ref"], "#/$defs/Meal");
    assert!(signed_up["$defs"]["Meal"].is_object());
    let moved = schema("user-moved");
    assert_eq!((&moved["type"], &moved["minItems"], &moved["maxItems"]), (&json!("array"), &json!(2), &json!(2)));
    let draft = "https://json-schema.org/draft/2020-12/schema";
    assert_eq!(schema("door-opened"), json!({"$schema": draft, "type": "null"}));
    let gone = schema("user-gone");
    assert_eq!((&gone["type"], &gone["description"]), (&json!("null"), &json!("Nobody knows where to.")));
    assert_eq!(schema("user-back")["type"], "null");
}

#[test]
fn a_variant_that_holds_its_enum_refers_to_the_whole() {
    let invited = schema("user-invited");
    assert_eq!(invited["items"]["$ref"], "#/$defs/User");
    let user = &invited["$defs"]["User"];
    let forms = user["oneOf"].as_array().expect("one for each variant");
    let invited = forms.iter().find_map(|form| form["properties"].get("INVITED")).expect("it has its tag");
    assert_eq!(invited["items"]["$ref"], "#/$defs/User");
}

#[test]
fn what_has_none_has_none() {
    assert_eq!(catalog().schema("plain"), None);
    assert_eq!(catalog().schema("unheard-of"), None);
    let printed = catalog().to_string();
    let abilities =
        |name: &str| printed.lines().find(|line| line.starts_with(name)).map(|line| line.contains("schema  "));
    assert_eq!((abilities("door-closed"), abilities("plain")), (Some(true), Some(false)), "{printed}");
}
