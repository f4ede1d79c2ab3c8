//! Handlers come by `order`, then crate, module path and line, whatever order the linker and the source have them in.

use std::sync::Arc;

use events::{Lifespan, State, on};
use fixture_order::{CatsLinedUp, Log, write};
use fixture_order2 as _;

mod late {
    use events::{State, on};
    use fixture_order::{CatsLinedUp, Log, write};

    #[on(order = -1)]
    fn minus_one(_: &CatsLinedUp, State(log): State<Log>) {
        write(&log, module_path!(), "minus_one");
    }
}

#[on(order = 2147483647)]
fn last(_: &CatsLinedUp, State(log): State<Log>) {
    write(&log, module_path!(), "last");
}

#[on]
fn zero(_: &CatsLinedUp, State(log): State<Log>) {
    write(&log, module_path!(), "zero");
}

#[on(order = -2147483648)]
fn first(_: &CatsLinedUp, State(log): State<Log>) {
    write(&log, module_path!(), "first");
}

const EXPECTED: [(i32, &str); 14] = [
    (i32::MIN, "link_order::first"),
    (-2, "fixture_order2::minus_two"),
    (-1, "fixture_order::zebra::minus_one"),
    (-1, "link_order::late::minus_one"),
    (0, "fixture_order::root"),
    (0, "fixture_order::ant::zero"),
    (0, "fixture_order::zebra::z_stands_first"),
    (0, "fixture_order::zebra::a_stands_second"),
    (0, "fixture_order2::zero"),
    (0, "link_order::zero"),
    (9, "fixture_order::ant::nine"),
    (10, "fixture_order::zebra::ten"),
    (10, "fixture_order2::ten"),
    (i32::MAX, "link_order::last"),
];

#[test]
fn the_catalog_is_in_this_order() {
    let handlers: Vec<_> = events::catalog().handlers().map(|handler| (handler.order(), handler.path())).collect();
    assert_eq!(handlers, EXPECTED.map(|(order, path)| (order, path.to_owned())));
}

#[tokio::test]
async fn an_event_meets_the_handlers_in_this_order() {
    let log = Log::default();
    let app = Lifespan::builder().state(Arc::clone(&log)).start().await.expect("a lifespan");
    let delivery = app.deliver(CatsLinedUp).await.expect("a delivery");
    assert_eq!((delivery.handlers(), delivery.failures().len()), (EXPECTED.len(), 0));
    assert_eq!(*log.lock().expect("no handler panics"), EXPECTED.map(|(_, path)| path));
    app.shutdown().await.expect("a shutdown");
}
