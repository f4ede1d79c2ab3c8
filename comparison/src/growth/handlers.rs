//! Handlers of one event.

use std::hint::black_box;
use std::sync::Arc;

use events::{Event, Lifespan, dispatch};
use tokio::runtime::Runtime;

use crate::held;
use crate::table::{Table, bytes_each, nanos_each, timed};

#[derive(Event)]
struct Heard(u64);

const COLUMNS: &[&str] = &["start, ns for each handler", "bytes held for each", "delivery, ns for each handler"];

pub(crate) fn table(runtime: &Runtime, largest: usize) -> Table {
    Table::of("Handlers of one event, as closures", COLUMNS, largest.min(10_000), |handlers| {
        let before = held();
        let builder = (0..handlers).fold(Lifespan::builder(), |builder, number| {
            builder.on(move |event: Arc<Heard>| async move {
                black_box(event.0 + number as u64);
            })
        });
        let (start, app) = timed(|| runtime.block_on(builder.start()).expect("closures are sound"));
        let after = held();
        let deliver = || runtime.block_on(app.scope(async { dispatch(Heard(1)) })).expect("the lifespan is open");
        deliver();
        let (delivery, ()) = timed(deliver);
        runtime.block_on(app.shutdown()).expect("it was not shut down before");
        vec![nanos_each(start, handlers), bytes_each(before, after, handlers), nanos_each(delivery, handlers)]
    })
}
