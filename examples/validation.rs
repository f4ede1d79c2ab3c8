//! What becomes of payloads that are wrong: a person reads it in the terminal, a client gets it as JSON.
//!
//! ```console
//! $ cargo run --example validation
//! ```

use events::{DispatchError, Event, Lifespan, on};
use serde::{Deserialize, Serialize};
use validator::{Validate, ValidationError};

#[derive(Debug, Event, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase")]
#[validate(schema(function = "enough_for_all"))]
struct OrderPlaced {
    #[validate(length(min = 1, message = "every order has a customer"))]
    customer: String,
    #[validate(email)]
    contact: String,
    #[event(secret)]
    #[validate(length(equal = 4))]
    card_pin: String,
    #[validate(range(min = 1, max = 12))]
    cats: u32,
    #[validate(length(min = 1), nested)]
    lines: Vec<Line>,
}

#[derive(Debug, Serialize, Deserialize, Validate)]
struct Line {
    #[validate(length(min = 2, max = 20))]
    article: String,
    #[validate(range(min = 1, max = 100))]
    count: u32,
}

/// What no attribute can say.
fn enough_for_all(order: &OrderPlaced) -> Result<(), ValidationError> {
    let pieces: u32 = order.lines.iter().map(|line| line.count).sum();
    if pieces >= order.cats {
        return Ok(());
    }
    let message = format!("{pieces} pieces are not enough for {} cats", order.cats);
    Err(ValidationError::new("enough_for_all").with_message(message.into()))
}

#[on]
fn cook(order: &OrderPlaced) {
    println!("  cooking for {}", order.customer);
}

const REQUESTS: [(&str, &str); 4] = [
    (
        "an order",
        r#"{"customer": "Tom", "contact": "tom@example.org", "cardPin": "1234", "cats": 2,
            "lines": [{"article": "herring", "count": 2}]}"#,
    ),
    (
        "an order that breaks its rules",
        r#"{"customer": "", "contact": "tom", "cardPin": "12345", "cats": 0,
            "lines": [{"article": "herring", "count": 2}, {"article": "x", "count": 101}]}"#,
    ),
    (
        "an order that is not enough",
        r#"{"customer": "Tom", "contact": "tom@example.org", "cardPin": "1234", "cats": 3,
            "lines": [{"article": "herring", "count": 2}]}"#,
    ),
    (
        "an order of another shape",
        r#"{"customer": "Tom", "contact": "tom@example.org", "cardPin": "1234", "cats": 2,
            "lines": [{"article": "herring", "count": "two"}]}"#,
    ),
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), events::Error> {
    let app = Lifespan::builder().start().await?;
    for (what, json) in REQUESTS {
        println!("{what}:");
        let answer = app.scope(async { events::dispatch_named("order-placed", json) }).await;
        report(answer);
    }
    app.shutdown().await?;
    Ok(())
}

fn report(answer: Result<(), DispatchError>) {
    let Err(error) = answer else { return println!("  HTTP 202") };
    let Some(errors) = error.invalid_fields() else { return println!("  HTTP 500 {error}") };
    for field in errors.fields() {
        println!("  {field}");
    }
    println!("  HTTP 422 {}", serde_json::to_string(&errors).expect("texts and numbers"));
}
