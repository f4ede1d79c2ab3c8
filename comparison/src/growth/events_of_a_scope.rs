//! Events that one scope collects.

use std::hint::black_box;

use events::{Event, Lifespan, dispatch, on};
use tokio::runtime::Runtime;

use crate::held;
use crate::table::{Table, bytes_each, nanos_each, timed};

#[derive(Event)]
struct Collected(u64);

#[on]
fn take(event: &Collected) {
    black_box(event.0);
}

const COLUMNS: &[&str] = &["dispatched and delivered, ns for each", "bytes held for each, until it is delivered"];

pub(crate) fn table(runtime: &Runtime, largest: usize) -> Table {
    let builder = Lifespan::builder().max_pending(2 * largest);
    let app = runtime.block_on(builder.start()).expect("the declarations are sound");
    Table::of("Events of one scope", COLUMNS, largest, |events| {
        let before = held();
        let work = || {
            runtime.block_on(app.scope(async {
                for number in 0..events {
                    dispatch(Collected(number as u64)).expect("there is room");
                }
                held()
            }))
        };
        let (took, after) = timed(work);
        vec![nanos_each(took, events), bytes_each(before, after, events)]
    })
}
