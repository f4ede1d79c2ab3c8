//! A crate of which one item is used needs no other mention: its handlers are known by place, and run.

use std::path::Path;
use std::sync::Arc;

use events::Lifespan;
use fixture_named::{CatNamed, Log};

#[test]
fn handlers_and_events_know_their_lines() {
    let catalog = events::catalog();
    let handlers = catalog.handlers().map(|handler| (handler.path(), handler.place()));
    let events = catalog.events().map(|event| (event.type_path(), event.place()));
    let places: Vec<_> = handlers.chain(events).collect();

    let lines: Vec<_> = places.iter().map(|(path, place)| (path.as_str(), place.line())).collect();
    assert_eq!(
        lines,
        [
            ("fixture_named::root", fixture_named::ROOT_LINE),
            ("fixture_named::in_body", fixture_named::IN_BODY_LINE),
            ("fixture_named::outer::inner::hidden", fixture_named::HIDDEN_LINE),
            ("fixture_named::CatNamed", fixture_named::CAT_NAMED_LINE),
        ]
    );
    for (path, place) in places {
        assert!(Path::new(place.file()).ends_with("fixtures/named/src/lib.rs"), "{path} is at {place}");
    }
}

#[tokio::test]
async fn an_event_reaches_the_handlers_of_another_crate() {
    let log = Log::default();
    let app = Lifespan::builder().state(Arc::clone(&log)).start().await.expect("a lifespan");

    let delivery = app.deliver(CatNamed).await.expect("a delivery");
    assert_eq!((delivery.handlers(), delivery.failures().len()), (3, 0));
    assert_eq!(*log.lock().expect("no handler panics"), ["root", "in_body", "hidden"]);

    let report = app.shutdown().await.expect("a shutdown");
    assert_eq!((report.delivered, report.failed, report.aborted), (1, 0, 0));
}
