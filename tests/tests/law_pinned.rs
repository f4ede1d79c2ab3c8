//! Breaches of the law that were found once, each in its smallest form.

use events::{Event, Failure, Lifespan, dispatch, on};

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
