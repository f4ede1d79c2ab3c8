//! Breaches of the law that were found once, each in its smallest form.

use std::time::Duration;

use events::{DispatchError, Event, Failure, Lifespan, dispatch, on};

#[derive(Event)]
struct Breaks;

#[on]
fn breaks(_: &Breaks) -> Result<(), &'static str> {
    Err("broken")
}

#[on(failure)]
async fn hear(_: &Failure) {}

/// A failure in a full lifespan took away room that it had never been given.
#[tokio::test]
async fn a_failure_in_a_full_lifespan_leaves_the_room_as_it_was() {
    let app = Lifespan::builder().max_pending(2).start().await.expect("a lifespan");
    app.scope(async {
        dispatch(Breaks).expect("there is room");
        // It fails while two events wait: this one and the one before.
        app.scope(async { dispatch(Breaks) }).await.expect("there is room");
    })
    .await;
    for _ in 0..10 {
        // Failure hooks take up room until they have had their turn.
        tokio::task::yield_now().await;
    }
    let delivery = app.deliver(Breaks).await.expect("there is room again");
    assert_eq!(delivery.failures().len(), 1);
    let report = app.shutdown().await.expect("from outside");
    assert_eq!((report.delivered, report.failed), (3, 3));
}

/// A scope that had not ended when the lifespan did took events that nobody would deliver.
#[tokio::test(start_paused = true)]
async fn a_scope_that_outlives_its_lifespan_takes_no_events() {
    let app = Lifespan::builder().start().await.expect("a lifespan");
    let (end, ended) = tokio::sync::oneshot::channel();
    let inner = app.clone();
    let scope = tokio::spawn(async move {
        let work = async {
            ended.await.expect("it is told");
            dispatch(Breaks)
        };
        inner.scope(work).await
    });
    tokio::task::yield_now().await;
    let report = app.shutdown_within(Duration::ZERO).await.expect("from outside");
    assert_eq!(report.unfinished, 1);
    end.send(()).expect("it waits");
    let answer = scope.await.expect("no panic");
    assert!(matches!(answer, Err(DispatchError::Closed { .. })), "{answer:?}");
}
