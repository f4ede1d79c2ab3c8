//! What a scope can do beyond collecting: policies, values, early delivery, and work on other tasks.

mod support;

use std::future::poll_fn;
use std::task::Poll;

use events::{
    Event, InScopeExt as _, Lifespan, OnError, Scope, SpawnError, State, dispatch, on, spawn, spawn_blocking,
};
use support::Log;

async fn start() -> (Lifespan, State<Log>) {
    support::start_with(Lifespan::builder().state(Tenant { name: "nobody" })).await
}

struct Tenant {
    name: &'static str,
}

#[derive(Event)]
struct Step(u32);

#[on]
fn step(event: &Step, tenant: State<Tenant>, log: State<Log>) {
    log.write(format!("{} of {}", event.0, tenant.name));
}

#[derive(Event)]
struct Heavy(u32);

#[on(blocking)]
fn heavy(event: &Heavy, tenant: State<Tenant>, log: State<Log>) {
    log.write(format!("{} of {}", event.0, tenant.name));
}

#[derive(Event)]
struct Slow(u32);

/// Not ready when it is polled for the first time.
#[on]
async fn slow(event: &Slow, log: State<Log>) {
    tokio::task::yield_now().await;
    log.write(format!("{}", event.0));
}

#[on(now)]
fn at_once(_: &Heavy, tenant: State<Tenant>, log: State<Log>) {
    log.write(format!("now of {}", tenant.name));
}

#[tokio::test]
async fn a_failed_scope_discards_when_it_is_told_to() {
    let (app, log) = start().await;
    let fail = |fails: bool| async move {
        dispatch(Step(1)).map_err(|_| "refused")?;
        if fails { Err("failed") } else { Ok(7) }
    };
    assert_eq!(app.scope(fail(true)).on_error(OnError::Discard).await, Err("failed"));
    assert!(log.take().is_empty());
    assert_eq!(app.scope(fail(false)).on_error(OnError::Discard).await, Ok(7));
    assert_eq!(app.scope(fail(true)).on_error(OnError::Deliver).await, Err("failed"));
    assert_eq!(log.take(), ["1 of nobody"; 2]);
    let report = app.shutdown().await.expect("from outside");
    assert_eq!((report.delivered, report.aborted), (2, 0));
}

/// More events than a task may begin in one turn: who waits from an earlier turn has been woken already.
#[tokio::test(start_paused = true)]
async fn who_waits_is_not_forgotten_behind_many_that_do_not() {
    let (app, log) = start().await;
    let scope = app.scope(async {
        dispatch(Slow(0)).expect("accepted");
        (1..=300).for_each(|number| dispatch(Step(number)).expect("accepted"));
    });
    let begun = tokio::time::Instant::now();
    // The time-out polls it once more, so that it ends in any case: but not before.
    let _ = tokio::time::timeout(std::time::Duration::from_mins(1), scope).await;
    assert_eq!(begun.elapsed(), std::time::Duration::ZERO, "it waits for nothing");
    let written = log.take();
    assert_eq!((written.len(), written.last().map(String::as_str)), (301, Some("0")));
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn a_panicking_scope_discards_when_it_is_told_to() {
    let (app, log) = start().await;
    let inner = app.clone();
    let task = tokio::spawn(async move {
        let work = async {
            dispatch(Step(1)).expect("accepted");
            panic!("spilled");
            #[expect(unreachable_code, reason = "it gives the block its type")]
            Ok::<(), ()>(())
        };
        inner.scope(work).on_error(OnError::Discard).await
    });
    assert!(task.await.expect_err("it panics").is_panic());
    app.shutdown().await.expect("from outside");
    assert!(log.take().is_empty());
}

#[tokio::test]
async fn discarded_events_make_room_for_others() {
    let (app, log) = support::start_with(Lifespan::builder().state(Tenant { name: "nobody" }).max_pending(2)).await;
    app.scope(async {
        let scope = Scope::current().expect("there is one");
        for round in 0..3 {
            dispatch(Step(round)).expect("there is room");
            dispatch(Step(round)).expect("there is room");
            assert!(dispatch(Step(round)).is_err());
            assert_eq!(scope.discard(), 2);
        }
        dispatch(Step(7)).expect("there is room");
    })
    .await;
    assert_eq!(log.take(), ["7 of nobody"]);
}

#[tokio::test]
async fn a_flush_delivers_early_and_the_scope_goes_on() {
    let (app, log) = start().await;
    app.scope(async {
        let scope = Scope::current().expect("there is one");
        assert_eq!(scope.flush().await.handlers(), 0, "nothing was collected");
        dispatch(Step(1)).expect("accepted");
        dispatch(Step(2)).expect("accepted");
        assert_eq!(scope.flush().await.handlers(), 2);
        assert_eq!(log.take(), ["1 of nobody", "2 of nobody"]);
        dispatch(Step(3)).expect("accepted");
    })
    .await;
    assert_eq!(log.take(), ["3 of nobody"]);
}

#[tokio::test]
async fn values_of_a_scope_lie_over_the_state_and_go_with_its_events() {
    let (app, log) = start().await;
    app.scope(async {
        dispatch(Step(1)).expect("accepted");
        dispatch(Heavy(2)).expect("accepted");
        app.scope(async {
            let scope = Scope::current().expect("there is one");
            assert_eq!(scope.value::<Tenant>().map(|tenant| tenant.name), Some("nobody"));
            scope.insert(Tenant { name: "inner" });
            assert_eq!(scope.value::<Tenant>().map(|tenant| tenant.name), Some("inner"));
            dispatch(Step(3)).expect("accepted");
        })
        .await;
    })
    .value(Tenant { name: "outer" })
    .value(String::new())
    .await;
    app.scope(async { dispatch(Step(4)) }).await.expect("accepted");
    assert_eq!(log.take(), ["now of outer", "3 of inner", "1 of outer", "2 of outer", "4 of nobody"]);
}

#[tokio::test]
async fn spawned_work_stays_in_its_scope() {
    let (app, log) = start().await;
    app.scope(async {
        // One after another: a blocking thread would race with the tasks.
        let task = spawn(async { dispatch(Step(1)) }).expect("there is a lifespan");
        task.await.expect("no panic").expect("accepted");
        let task = tokio::spawn(async { dispatch(Step(2)) }.in_scope());
        task.await.expect("no panic").expect("accepted");
        let task = spawn_blocking(|| dispatch(Step(3))).expect("there is a lifespan");
        task.await.expect("no panic").expect("accepted");
        assert!(log.take().is_empty(), "the scope has them");
    })
    .await;
    assert_eq!(log.take(), ["1 of nobody", "2 of nobody", "3 of nobody"]);
}

#[tokio::test]
async fn work_that_outlives_its_scope_dispatches_to_the_lifespan() {
    let (app, log) = start().await;
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    let mut straggler = None;
    app.scope(async {
        straggler = spawn(async move {
            let _ = told.await;
            assert!(Scope::current().is_none(), "it has ended");
            dispatch(Step(1))
        })
        .ok();
    })
    .await;
    tell.send(()).expect("the task waits");
    app.shutdown().await.expect("from outside");
    straggler.expect("there is a lifespan").await.expect("no panic").expect("accepted");
    assert_eq!(log.take(), ["1 of nobody"], "shutdown has waited for the task and its event");
}

#[tokio::test]
async fn spawning_nowhere_is_an_error() {
    assert_eq!(spawn(async {}).err(), Some(SpawnError::NoLifespan));
    assert_eq!(spawn_blocking(|| ()).err(), Some(SpawnError::NoLifespan));
    let (app, _) = start().await;
    app.shutdown().await.expect("from outside");
    assert_eq!(app.spawn(async {}).err(), Some(SpawnError::Closed));
    assert_eq!(async { 7 }.in_scope().await, 7, "outside of a lifespan it changes nothing");
}

#[tokio::test]
async fn a_scope_that_is_never_polled_is_none() {
    let (app, log) = start().await;
    drop(app.scope(async { dispatch(Step(1)) }));
    let scope = app.scope(async { dispatch(Step(2)) });
    let report = app.shutdown().await.expect("nothing holds it up");
    assert!(report.is_clean());
    assert!(scope.await.is_err(), "the lifespan has ended");
    assert!(log.take().is_empty());
}

#[tokio::test]
async fn a_dropped_flush_loses_nothing() {
    let (app, log) = start().await;
    app.scope(async {
        dispatch(Slow(1)).expect("accepted");
        let scope = Scope::current().expect("there is one");
        let mut flush = Box::pin(scope.flush());
        poll_fn(|cx| {
            assert!(flush.as_mut().poll(cx).is_pending(), "the handler waits");
            Poll::Ready(())
        })
        .await;
    })
    .await;
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["1"]);
}

#[tokio::test]
async fn whoever_has_a_handle_keeps_the_lifespan() {
    let (app, _) = start().await;
    let clone = app.clone();
    let scope = clone.clone().scope(async { Scope::current().expect("inside of it").lifespan().clone() });
    drop(app);
    assert!(clone.health().is_ready(), "a clone is left");
    drop(clone);
    let of_its_own = scope.await;
    tokio::task::yield_now().await;
    assert!(!of_its_own.health().is_live(), "the last one has gone, but for those that its own work has");
}
