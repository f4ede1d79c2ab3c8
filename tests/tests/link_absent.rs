//! The trap: a crate that stands in `Cargo.toml` and is named nowhere is not linked, and its handlers do not exist. The
//! counterpart of `link_named`, which shows that `fixture_named` has what is missing here.
//!
//! This file must name no fixture at all: they all stand in `Cargo.toml`, and none of them may be seen.

use std::collections::BTreeSet;

use events::{Event, Lifespan, on};

#[derive(Debug, Event)]
struct CatLeft;

#[on]
fn wave(_: &CatLeft) {}

#[test]
fn the_catalog_has_this_file_alone() {
    let catalog = events::catalog();
    let events = catalog.events().map(|event| event.place().krate());
    let handlers = catalog.handlers().map(|handler| handler.place().krate());
    let crates: BTreeSet<_> = events.chain(handlers).collect();
    assert_eq!(crates, BTreeSet::from(["link_absent"]));
}

#[test]
fn a_crate_that_is_absent_is_no_finding() {
    assert_eq!(events::catalog().findings(), []);
}

#[tokio::test]
async fn nobody_misses_what_absent_handlers_ask_for() {
    let app = Lifespan::builder().start().await.expect("no handler here asks for state");
    let delivery = app.deliver(CatLeft).await.expect("a delivery");
    assert_eq!(delivery.handlers(), 1);
    app.shutdown().await.expect("a shutdown");
}
