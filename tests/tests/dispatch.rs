//! Where events go when they are dispatched: to the scope, to the lifespan, or back with an error.

mod support;

use events::{DispatchError, Event, Lifespan, LifespanBuilder, Metadata, ShutdownError, State, dispatch, on};
use support::Log;
use tokio::sync::Semaphore;
use validator::Validate;

#[derive(Event)]
struct Step(u32);

#[on]
fn step(event: &Step, log: State<Log>) {
    log.write(event.0.to_string());
}

#[tokio::test]
async fn a_scope_delivers_in_order_when_its_work_has_ended() {
    let (app, log) = start().await;
    let answer = app
        .scope(async {
            for n in 0..50 {
                dispatch(Step(n)).expect("accepted");
                tokio::task::yield_now().await;
            }
            assert!(log.take().is_empty(), "queued only");
            "answer"
        })
        .await;
    assert_eq!(answer, "answer");
    assert_eq!(log.take(), (0..50).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_innermost_scope_owns_the_event() {
    let (app, log) = start().await;
    app.scope(async {
        dispatch(Step(1)).expect("accepted");
        app.scope(async { dispatch(Step(2)) }).await.expect("accepted");
        assert_eq!(log.take(), ["2"]);
        dispatch(Step(3)).expect("accepted");
    })
    .await;
    assert_eq!(log.take(), ["1", "3"]);
}

#[tokio::test]
async fn a_failing_scope_delivers_and_answers_its_error() {
    let (app, log) = start().await;
    let answer: Result<(), &str> = app
        .scope(async {
            dispatch(Step(1)).expect("accepted");
            Err("no fish")
        })
        .await;
    assert_eq!(answer, Err("no fish"));
    assert_eq!(log.take(), ["1"]);
}

#[tokio::test]
async fn a_panicking_scope_delivers_and_panics() {
    let (app, log) = start().await;
    let inner = app.clone();
    let task = tokio::spawn(async move {
        inner
            .scope(async {
                dispatch(Step(1)).expect("accepted");
                panic!("spilled");
            })
            .await
    });
    assert!(task.await.expect_err("it panics").is_panic());
    assert_eq!(log.take(), ["1"]);
}

#[tokio::test]
async fn a_dropped_scope_hands_its_events_to_the_lifespan() {
    let (app, log) = start().await;
    {
        let scope = app.scope(async {
            dispatch(Step(1)).expect("accepted");
            std::future::pending::<()>().await;
        });
        let mut scope = std::pin::pin!(scope);
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(scope.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
        assert!(log.take().is_empty());
    }
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["1"]);
}

struct DispatchesWhenDropped(u32);

impl Drop for DispatchesWhenDropped {
    fn drop(&mut self) {
        dispatch(Step(self.0)).expect("a destructor stands in the scope of its work");
    }
}

#[tokio::test]
async fn destructors_of_the_work_dispatch_into_its_scope() {
    let (app, log) = start().await;
    app.scope(async {
        let _last = DispatchesWhenDropped(2);
        dispatch(Step(1)).expect("accepted");
    })
    .await;
    assert_eq!(log.take(), ["1", "2"]);

    let mut cancelled = Box::pin(app.scope(async {
        let _last = DispatchesWhenDropped(4);
        dispatch(Step(3)).expect("accepted");
        std::future::pending::<()>().await;
    }));
    std::future::poll_fn(|cx| {
        assert!(cancelled.as_mut().poll(cx).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    drop(cancelled);
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["3", "4"]);
}

#[derive(Event)]
struct Waited;

#[on(order = -1)]
async fn wait(_: &Waited, gate: State<Semaphore>) {
    let _permit = gate.acquire().await;
}

#[on]
fn waited(_: &Waited, log: State<Log>) {
    log.write("delivered");
}

/// Every lifespan of this file has a gate, which some handlers wait for.
async fn start_with(builder: LifespanBuilder) -> (Lifespan, State<Log>) {
    support::start_with(builder.state(Semaphore::new(0))).await
}

async fn start() -> (Lifespan, State<Log>) {
    start_with(Lifespan::builder()).await
}

async fn start_gated() -> (Lifespan, State<Log>, State<Semaphore>) {
    let (app, log) = start().await;
    let gate = app.state().expect("it was given a gate");
    (app, log, gate)
}

#[tokio::test]
async fn a_delivery_goes_on_when_its_scope_is_dropped() {
    let (app, log, gate) = start_gated().await;
    let mut scope = Box::pin(app.scope(async { dispatch(Waited) }));
    std::future::poll_fn(|cx| {
        assert!(scope.as_mut().poll(cx).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    drop(scope);
    gate.add_permits(1);
    let report = app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["delivered"]);
    assert_eq!((report.delivered, report.aborted), (1, 0));
}

#[tokio::test]
async fn two_hundred_scopes_never_see_each_other() {
    let (app, log) = start().await;
    let scopes: Vec<_> = (0..200_u32)
        .map(|n| {
            let (app, log) = (app.clone(), log.clone());
            let own = n as usize % 5;
            tokio::spawn(async move {
                app.scope(async {
                    for _ in 0..own {
                        dispatch(Step(n)).expect("accepted");
                        tokio::task::yield_now().await;
                    }
                    assert_eq!(log.count(&n.to_string()), 0, "another scope has delivered it");
                })
                .await;
                assert_eq!(log.count(&n.to_string()), own, "the scope has waited for its own");
            })
        })
        .collect();
    for scope in scopes {
        scope.await.expect("no scope saw another");
    }
    assert_eq!(log.take().len(), (0..200).map(|n| n % 5).sum::<usize>());
}

#[test]
fn outside_of_a_lifespan_dispatch_says_what_to_do() {
    let error = dispatch(Step(1)).expect_err("there is no lifespan");
    assert!(matches!(&error, DispatchError::NoLifespan { event } if &**event == "step"));
    assert_eq!(
        error.to_string(),
        "`step` was dispatched outside of a lifespan: dispatch inside `lifespan.scope(..)` or a handler, or call `lifespan.dispatch(..)`"
    );
}

#[test]
fn outside_of_a_runtime_a_lifespan_does_not_start() {
    let mut start = Box::pin(Lifespan::builder().state(Log::default()).state(Semaphore::new(0)).start());
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(started) = start.as_mut().poll(&mut cx) else { panic!("it waits for nothing") };
    let error = started.expect_err("there is no runtime").to_string();
    assert!(error.contains("there is no tokio runtime here: call `start` inside one"), "{error}");
}

#[tokio::test]
async fn a_handle_dispatches_at_once_from_any_thread() {
    let (app, log, gate) = start_gated().await;
    gate.add_permits(1);
    let elsewhere = app.clone();
    std::thread::spawn(move || elsewhere.dispatch(Waited)).join().expect("no panic").expect("accepted");
    app.scope(async { app.dispatch(Step(1)) }).await.expect("accepted");
    app.shutdown().await.expect("from outside");
    let mut lines = log.take();
    lines.sort();
    assert_eq!(lines, ["1", "delivered"]);
}

#[test]
fn handlers_run_on_the_runtime_of_their_lifespan() {
    let home = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let away = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let app = home.block_on(async {
        let gate = Semaphore::new(1);
        Lifespan::builder().state(Log::default()).state(gate).state(home.handle().id()).start().await
    });
    let app = app.expect("a lifespan");
    let thread = std::thread::spawn({
        let app = app.clone();
        move || away.block_on(app.scope(async { dispatch(WhichRuntime) }))
    });
    home.block_on(async {
        while !thread.is_finished() {
            tokio::task::yield_now().await;
        }
    });
    thread.join().expect("no panic").expect("accepted");
    let log = app.state::<Log>().expect("it was given a log");
    assert_eq!(log.take(), ["home"]);
}

#[derive(Event)]
struct WhichRuntime;

#[on]
async fn which_runtime(_: &WhichRuntime, app: Lifespan, log: State<Log>) {
    let home = app.state::<tokio::runtime::Id>().expect("it was given the id");
    let here = tokio::runtime::Handle::current().id();
    log.write(if *home == here { "home" } else { "away" });
}

#[derive(Debug, Event, Validate)]
struct Portion {
    #[validate(range(min = 1, max = 10))]
    fish: u32,
    #[validate(length(min = 1, message = "who is it for?"))]
    cat: String,
}

#[on]
fn serve(_: &Portion, log: State<Log>) {
    log.write("served");
}

#[tokio::test]
async fn an_invalid_event_is_refused_where_it_is_dispatched() {
    let (app, log) = start().await;
    let error = app.scope(async { dispatch(Portion { fish: 11, cat: String::new() }) }).await.expect_err("invalid");
    assert!(matches!(&error, DispatchError::Invalid { event, .. } if &**event == "portion"));
    assert_eq!(
        error.to_string(),
        "`portion` is invalid: `fish`: must be from 1 to 10, got 11 (range); `cat`: who is it for?, got \"\" (length)"
    );
    assert!(log.take().is_empty(), "nothing was queued");
    app.scope(async { dispatch(Portion { fish: 10, cat: "Tom".into() }) }).await.expect("valid");
    assert_eq!(log.take(), ["served"]);
}

#[derive(Event)]
struct Again;

#[on]
async fn again(_: &Again, metadata: Metadata, log: State<Log>) -> Again {
    log.write(metadata.hops().to_string());
    Again
}

#[tokio::test]
async fn a_chain_ends_at_the_limit_with_a_failure() {
    let (app, log) = start_with(Lifespan::builder().max_hops(3)).await;
    app.scope(async { dispatch(Again) }).await.expect("accepted");
    let report = app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["0", "1", "2", "3"]);
    assert_eq!((report.delivered, report.failed), (4, 1));
}

#[derive(Event)]
struct Mirror;

#[on(now)]
fn mirror(_: &Mirror) -> Mirror {
    Mirror
}

#[tokio::test]
async fn now_handlers_that_dispatch_to_themselves_end_at_a_limit() {
    let (app, _) = start_with(Lifespan::builder().max_hops(u32::MAX)).await;
    app.scope(async { dispatch(Mirror) }).await.expect("the first is accepted");
    let report = app.shutdown().await.expect("from outside");
    assert_eq!(report.failed, 1, "the innermost could not dispatch");
}

#[tokio::test]
async fn a_full_lifespan_gives_the_event_back() {
    let (app, log) = start_with(Lifespan::builder().max_pending(2)).await;
    app.scope(async {
        dispatch(Step(1)).expect("there is room");
        dispatch(Step(2)).expect("there is room");
        let error = dispatch(Step(3)).expect_err("there is none");
        assert_eq!(
            error.to_string(),
            "the lifespan is full: 2 events wait for delivery; `step` was given back: dispatch it again once others are \
             delivered, or raise `max_pending`"
        );
        let DispatchError::Full { event, limit: 2 } = error else { panic!("{error}") };
        assert_eq!(event.try_into_inner::<Step>().map(|step| step.0).ok(), Some(3));
    })
    .await;
    app.scope(async { dispatch(Step(4)) }).await.expect("there is room again");
    assert_eq!(log.take(), ["1", "2", "4"]);
}

#[tokio::test]
async fn shutdown_waits_for_what_handlers_chain_and_then_refuses() {
    let (app, log, gate) = start_gated().await;
    app.dispatch(Waited).expect("accepted");
    let (report, ()) = tokio::join!(app.shutdown(), async {
        tokio::task::yield_now().await;
        let error = app.dispatch(Step(1)).expect_err("it takes nothing from outside any more");
        assert!(matches!(error, DispatchError::Closed { .. }));
        gate.add_permits(1);
    });
    assert_eq!(log.take(), ["delivered"]);
    let report = report.expect("from outside");
    assert_eq!(app.shutdown().await, Ok(report), "it can be asked again");
    let refused = app.scope(async { dispatch(Step(1)) }).await.expect_err("it has ended");
    assert_eq!(refused.to_string(), "`step` came after the lifespan's end: it has been shut down");
    assert!(log.take().is_empty());
}

#[tokio::test]
async fn shutdown_inside_of_what_it_waits_for_is_refused() {
    let (app, _) = start().await;
    assert_eq!(app.scope(app.shutdown()).await, Err(ShutdownError::Inside));
    assert!(app.shutdown().await.is_ok());
}
