//! Errors about payloads: short and fit for a terminal, whatever stands in the payload.

mod payload_support;

use std::collections::BTreeMap;

use events::Event;
use payload_support::refusal;
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    by_name: BTreeMap<String, Colour>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Colour {
    Red,
    DeepBlue,
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize)]
struct Long {
    text: String,
    number: Option<u8>,
}

const FIVE_MEGABYTES: usize = 5 << 20;

#[tokio::test]
async fn an_error_about_megabytes_is_short() {
    let text = "ü".repeat(FIVE_MEGABYTES / 2);
    let error = refusal("long", &format!(r#"{{"text":"","number":"{text}"}}"#)).await;
    assert!(
        error.starts_with("the payload of `long` does not fit: at `number`: invalid type: string \"üüü"),
        "{error}"
    );
    assert!(error.contains(&format!("ü.. ({} bytes) ..ü", FIVE_MEGABYTES + 61)), "{error}");
    assert!(error.ends_with("ü\", expected u8 at line 1 column 5242902"), "{error}");
    assert!(error.len() < 1000, "{} bytes", error.len());

    let key = format!(r#"{{"by_name":{{"{text}":"{text}"}}}}"#);
    let field = format!(r#"{{"{text}":1}}"#);
    for (name, json) in [("strict", &key), ("strict", &field), ("no-type-has-it", &text)] {
        let error = refusal(name, json).await;
        assert!(error.len() < 2000, "{} bytes for {name}", error.len());
    }
}

#[tokio::test]
async fn an_error_is_fit_for_a_terminal() {
    let error = refusal("strict", r#"{"by_name":{"\u001b[2J":"\u001b[31mgreen\r\n"}}"#).await;
    assert_eq!(
        error,
        "the payload of `strict` does not fit: at `by_name.\\u{1b}[2J`: unknown variant `\\u{1b}[31mgreen\\r\\n`, expected `red` or `deep-blue` at line 1 column 45"
    );
}

#[derive(Clone, Debug, PartialEq, Event, Serialize, Deserialize, Validate)]
struct Shelved {
    #[validate(nested)]
    shelves: BTreeMap<String, Shelf>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
struct Shelf {
    #[validate(nested)]
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
struct Line {
    #[validate(length(min = 3, max = 3))]
    article: String,
}

fn shelved(key: &str, article: &str, lines: usize) -> String {
    let line = format!(r#"{{"article":"{article}"}}"#);
    format!(r#"{{"shelves":{{"{key}":{{"lines":[{}]}}}}}}"#, vec![line; lines].join(","))
}

#[tokio::test]
async fn a_broken_rule_is_fit_for_a_terminal() {
    let json = shelved(r"\u001b[2J", "a\u{7f}b\u{9b}c", 1);
    assert_eq!(
        refusal("shelved", &json).await,
        r#"`shelved` is invalid: `shelves.\u{1b}[2J.lines[0].article`: must have 3 to 3 characters, got "a\u007fb\u009bc" (length)"#
    );
}

/// The key was repeated for each of the broken rules below it, those included that are only counted.
#[tokio::test]
async fn broken_rules_under_a_key_of_megabytes_are_told_at_once() {
    let json = shelved(&"k".repeat(FIVE_MEGABYTES), "ab", 10_000);
    let error = refusal("shelved", &json).await;
    assert!(error.contains(&format!("k.. ({FIVE_MEGABYTES} bytes) ..k")), "{} bytes", error.len());
    assert!(error.ends_with("; and 9900 more"), "{} bytes", error.len());
    assert!(error.len() < 100_000, "{} bytes", error.len());
}
