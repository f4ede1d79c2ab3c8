//! What `settled` waits for.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use events::testing::TestLifespan;
use events::{Event, Failure, Lifespan, LifespanBuilder, State, dispatch, on, spawn, spawn_blocking};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

#[derive(Clone, Event)]
struct Hop(u32);

#[derive(Event)]
struct Landed;

#[derive(Event)]
struct Told;

#[derive(Event)]
struct Stumbled;

#[on]
async fn hop(event: &Hop) -> Option<Hop> {
    tokio::task::yield_now().await;
    event.0.checked_sub(1).map(Hop)
}

#[on(blocking)]
fn land(event: &Hop) -> Option<Landed> {
    (event.0 == 0).then_some(Landed)
}

#[on]
fn stumble(_: &Stumbled) -> Result<(), &'static str> {
    Err("a stone")
}

#[on(failure)]
async fn tell(_: &Failure, slow: State<Slow>) -> Told {
    sleep(slow.for_how_long).await;
    Told
}

/// How long hooks take.
struct Slow {
    for_how_long: Duration,
}

fn builder() -> LifespanBuilder {
    Lifespan::builder().state(Slow { for_how_long: Duration::ZERO })
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

async fn chains_are_over() {
    let app = builder().start_test().await;
    for round in 1..=50 {
        app.scope(async {
            dispatch(Hop(3)).expect("accepted");
            dispatch(Hop(3)).expect("accepted");
        })
        .await;
        app.dispatch(Hop(3)).expect("accepted");
        app.settled().await;
        app.assert_count::<Hop>(round * 3 * 4);
        app.assert_count::<Landed>(round * 3);
        assert_eq!(app.delivered().len(), round * 3 * 5);
    }
    app.assert_chain(["hop", "hop", "hop", "hop", "landed"]);
}

#[tokio::test]
async fn chains_and_blocking_handlers_are_over() {
    chains_are_over().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn chains_and_blocking_handlers_of_many_threads_are_over() {
    chains_are_over().await;
}

#[tokio::test]
async fn spawned_tasks_and_what_they_dispatch_are_over() {
    let app = builder().start_test().await;
    app.scope(async {
        let _task = spawn(async {
            tokio::task::yield_now().await;
            dispatch(Hop(1)).expect("the scope or the lifespan");
            let _task = spawn_blocking(|| dispatch(Hop(0))).expect("inside");
        })
        .expect("inside");
    })
    .await;
    let _task = app.spawn(async {
        tokio::task::yield_now().await;
        dispatch(Landed).expect("the lifespan");
    });
    app.settled().await;
    app.assert_count::<Hop>(3);
    app.assert_count::<Landed>(3);
}

#[tokio::test(start_paused = true)]
async fn failure_hooks_and_what_they_dispatch_are_over() {
    let app = Lifespan::builder().state(Slow { for_how_long: Duration::from_mins(1) }).start_test().await;
    app.deliver(Stumbled).await.expect("accepted");
    let begun = Instant::now();
    app.assert_not_dispatched::<Told>();
    app.settled().await;
    assert_eq!(begun.elapsed(), Duration::from_mins(1));
    app.assert_chain(["stumbled", "told"]);
    assert_eq!(app.delivered().len(), 2);
}

#[tokio::test]
async fn an_open_scope_is_waited_for() {
    let app = builder().start_test().await;
    let go_on = Notify::new();
    let mut scope = pin!(app.scope(async {
        dispatch(Landed).expect("accepted");
        go_on.notified().await;
    }));
    assert!(poll(scope.as_mut()).is_pending());
    {
        let mut settled = pin!(app.settled());
        assert!(poll(settled.as_mut()).is_pending());
        go_on.notify_one();
        assert!(poll(settled.as_mut()).is_pending(), "the scope is not polled");
        scope.await;
        assert!(poll(settled.as_mut()).is_ready());
    }
    assert_eq!(app.delivered().len(), 1);
}

#[tokio::test]
async fn everybody_who_waits_is_told() {
    let app = builder().start_test().await;
    assert!(poll(pin!(app.settled())).is_ready(), "nothing has begun");
    app.dispatch(Hop(3)).expect("accepted");
    tokio::join!(app.settled(), app.settled(), async {
        app.settled().await;
        app.assert_count::<Landed>(1);
        app.dispatch(Hop(0)).expect("accepted");
    });
    app.settled().await;
    app.assert_count::<Landed>(2);
}

#[tokio::test]
async fn a_lifespan_that_ends_settles() {
    let app = builder().start_test().await;
    app.settled().await;
    app.dispatch(Hop(3)).expect("accepted");
    let (report, ()) = tokio::join!(app.shutdown(), app.settled());
    assert!(report.expect("from outside").is_clean(), "being watched keeps nothing from its end");
    app.settled().await;
    app.assert_count::<Landed>(1);
}

#[tokio::test]
async fn waiting_for_oneself_is_told() {
    let cell = Arc::new(OnceLock::<Weak<TestLifespan>>::new());
    let own = Arc::clone(&cell);
    let waits_for_itself = move |_: Arc<Landed>| {
        let app = own.get().and_then(Weak::upgrade).expect("it is there");
        async move { app.settled().await }
    };
    let app = Arc::new(Lifespan::builder().without_all().on(waits_for_itself).start_test().await);
    cell.set(Arc::downgrade(&app)).expect("once");
    app.dispatch(Landed).expect("accepted");
    app.settled().await;
    app.assert_failed("`settled` was called inside a scope or a handler of the lifespan, which it would wait for");

    let other = builder().start_test().await;
    other.scope(app.settled()).await;
    let task = tokio::spawn(async move { app.scope(app.settled()).await });
    assert!(task.await.expect_err("inside").is_panic());
}
