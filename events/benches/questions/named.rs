//! An event that is known by its name and its JSON alone.

use std::collections::HashMap;
use std::hint::black_box;

use events::{Event, Lifespan, dispatch_named, on};
use serde::Deserialize;

use crate::support::operation::Work;
use crate::support::payload;

const NAME: &str = "order-placed";
const JSON: &str =
    r#"{"order":184467,"customer":"c-4711","currency":"EUR","cents":1999,"lines":["salmon","catnip","milk"]}"#;

#[derive(Event, Deserialize)]
struct OrderPlaced {
    order: u64,
    customer: String,
    currency: String,
    cents: u64,
    lines: Vec<String>,
}

impl OrderPlaced {
    fn add(&self) {
        let texts = self.customer.len() + self.currency.len() + self.lines.len();
        payload::add(self.order + self.cents + texts as u64);
    }
}

#[on]
fn bill(event: &OrderPlaced) {
    event.add();
}

pub(crate) fn scope(app: Lifespan, times: u32) -> Work {
    // Whether it is text is found out word by word: where the program has put the literal, there may be more of them.
    let json = String::from(JSON);
    Box::pin(async move {
        for _ in 0..times {
            app.scope(async { dispatch_named(black_box(NAME), black_box(&*json)) }).await.expect("the payload fits");
        }
    })
}

type Decode = fn(&[u8]) -> Result<Box<OrderPlaced>, serde_json::Error>;

/// Looks the name up, decodes, and calls the handler.
pub(crate) fn serde_json(_: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        let decode: Decode = |json| serde_json::from_slice(json);
        let known = HashMap::from([("cat-fed", decode), (NAME, decode), ("cat-left", decode)]);
        for _ in 0..times {
            let decode = known[black_box(NAME)];
            let event = decode(black_box(JSON).as_bytes()).expect("the payload fits");
            let call: fn(&OrderPlaced) = black_box(OrderPlaced::add);
            call(&event);
        }
    })
}
