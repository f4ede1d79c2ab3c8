//! Payloads of JSON.

use std::hint::black_box;

use events::{Event, Lifespan, dispatch_named, on};
use serde::Deserialize;
use tokio::runtime::Runtime;

use crate::held;
use crate::table::{Table, bytes_each, nanos_each, timed};

#[derive(Event, Deserialize)]
#[event(name = "text-written")]
struct TextWritten {
    text: String,
}

#[on]
fn read(event: &TextWritten) {
    black_box(event.text.len());
}

const COLUMNS: &[&str] =
    &["decoded, dispatched and delivered, ns for each byte", "bytes held for each byte, until it is delivered"];

pub(crate) fn table(runtime: &Runtime, largest: usize) -> Table {
    let app = runtime.block_on(Lifespan::builder().start()).expect("the declarations are sound");
    Table::of("Bytes of text in a payload of JSON", COLUMNS, largest, |size| {
        let json = format!(r#"{{"text":"{}"}}"#, "a".repeat(size));
        let before = held();
        let work = || {
            runtime.block_on(app.scope(async {
                dispatch_named("text-written", &json).expect("the payload fits");
                held()
            }))
        };
        let (took, after) = timed(work);
        vec![nanos_each(took, size), bytes_each(before, after, size)]
    })
}
