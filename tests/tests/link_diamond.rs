//! A crate that comes in through two others is there once: its event is no duplicate, its handler runs once.

use std::any::TypeId;
use std::sync::Arc;

use events::Lifespan;
use fixture_left::{CatShared, Log};

#[test]
fn both_sides_speak_of_one_type() {
    assert_eq!(TypeId::of::<fixture_left::CatShared>(), TypeId::of::<fixture_right::CatShared>());
}

#[test]
fn the_shared_crate_declares_once() {
    let catalog = events::catalog();
    let events: Vec<_> = catalog.events().map(|event| event.type_path()).collect();
    assert_eq!(events, ["fixture_base::CatShared"]);
    let handlers: Vec<_> = catalog.handlers().map(|handler| handler.path()).collect();
    assert_eq!(handlers, ["fixture_base::base", "fixture_left::left", "fixture_right::right"]);
    assert_eq!(catalog.findings(), []);
}

#[tokio::test]
async fn every_handler_runs_once() {
    let log = Log::default();
    let app = Lifespan::builder().state(Arc::clone(&log)).start().await.expect("one type is no duplicate of itself");
    let delivery = app.deliver(CatShared).await.expect("a delivery");
    assert_eq!((delivery.handlers(), delivery.failures().len()), (3, 0));
    assert_eq!(*log.lock().expect("no handler panics"), ["base", "left", "right"]);
    app.shutdown().await.expect("a shutdown");
}
