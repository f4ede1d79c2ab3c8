//! Breaches of the law that were found once, each in its smallest form.

use std::time::Duration;

use events::{DispatchError, Event, Failure, Lifespan, State, dispatch, on};
use futures_util::FutureExt as _;
use tokio::sync::Notify;

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

#[derive(Event)]
struct Waits;

#[on]
async fn waits(_: &Waits, app: Lifespan) {
    if let Some(late) = app.state::<Late>() {
        late.may_end.notified().await;
    }
}

/// How a test and the shutdown hook of its lifespan take turns.
#[derive(Default)]
struct Late {
    hook_runs: Notify,
    has_come: Notify,
    may_end: Notify,
}

#[on(shutdown)]
async fn fill(app: Lifespan) -> Result<(), DispatchError> {
    let Some(State(late)) = app.state::<Late>() else { return Ok(()) };
    late.hook_runs.notify_one();
    late.has_come.notified().await;
    let answer = dispatch(Waits);
    late.may_end.notify_one();
    answer
}

/// A shutdown hook is not behind all work: a scope may come after the last look at the gate, and what it leaves takes room.
/// The law once measured the room there, and called it lost.
#[tokio::test]
async fn a_scope_that_is_opened_while_hooks_run_takes_room_and_is_delivered() {
    let app = Lifespan::builder().max_pending(1).state(Late::default()).start().await.expect("a lifespan");
    let State(late) = app.state::<Late>().expect("it is given");
    let ending = tokio::spawn({
        let app = app.clone();
        async move { app.shutdown().await }
    });
    late.hook_runs.notified().await;
    // Dropped while it waits for the delivery, it leaves that to the lifespan.
    assert!(app.scope(async { dispatch(Waits) }).now_or_never().is_none());
    late.has_come.notify_one();
    let report = ending.await.expect("no panic").expect("from outside");
    assert_eq!((report.delivered, report.aborted, report.unfinished), (1, 0, 0));
    let [refused] = &report.failed_endings[..] else { panic!("{report:?}") };
    assert!(refused.contains("the lifespan is full"), "{refused}");
}
