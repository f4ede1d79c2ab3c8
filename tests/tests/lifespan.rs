//! From start to shutdown: hooks, closures, limits, deadlines and reports.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use events::{AnyEvent, DispatchError, Event, Failure, FailureCause, Lifespan, LifespanBuilder, State, dispatch, on};
use support::Log;
use tokio::sync::Semaphore;

/// What hooks and handlers of this file are told to do.
#[derive(Default)]
struct Plan(&'static [Trouble]);

#[derive(PartialEq, Eq)]
enum Trouble {
    FailsToStart,
    FailsToStop,
    HangsAtStop,
    FailsToTell,
}

impl Plan {
    fn has(&self, trouble: &Trouble) -> bool {
        self.0.contains(trouble)
    }
}

async fn start_with(builder: LifespanBuilder, plan: Plan) -> (Lifespan, State<Log>) {
    support::start_with(builder.state(plan).state(Semaphore::new(0))).await
}

async fn start() -> (Lifespan, State<Log>) {
    start_with(Lifespan::builder(), Plan::default()).await
}

#[derive(Event)]
struct Started;

#[derive(Event)]
struct Stopping;

#[on(startup, order = 2)]
fn second(log: State<Log>, plan: State<Plan>) -> Result<(), &'static str> {
    log.write("second hook");
    if plan.has(&Trouble::FailsToStart) { Err("no bowl") } else { Ok(()) }
}

#[on(startup, order = 1)]
async fn first(log: State<Log>, app: Lifespan) -> Started {
    tokio::task::yield_now().await;
    assert!(app.state::<Log>().is_some());
    dispatch(Started).expect("a hook stands in the lifespan");
    log.write("first hook");
    Started
}

#[on(startup, order = 3, blocking)]
fn third(log: State<Log>) {
    log.write("third hook");
}

#[on(shutdown, order = 1)]
async fn last_to_stop(log: State<Log>) -> Stopping {
    log.write("stops last");
    Stopping
}

#[on(shutdown, order = 2)]
fn fails_to_stop(log: State<Log>, plan: State<Plan>) -> Result<(), String> {
    log.write("stops first");
    if plan.has(&Trouble::FailsToStop) { Err("the bowl is stuck".into()) } else { Ok(()) }
}

#[on(shutdown, order = 3, timeout = "2s")]
async fn slow_to_stop(plan: State<Plan>) {
    if plan.has(&Trouble::HangsAtStop) {
        std::future::pending::<()>().await;
    }
}

#[on]
fn started(_: &Started, log: State<Log>) {
    log.write("started is delivered");
}

#[on]
fn stopping(_: &Stopping, log: State<Log>) {
    log.write("stopping is delivered");
}

const STARTED: [&str; 5] = ["first hook", "second hook", "third hook", "started is delivered", "started is delivered"];

#[tokio::test]
async fn hooks_run_in_order_and_their_events_are_delivered() {
    let (app, log) = start().await;
    let report = app.shutdown().await.expect("from outside");
    let lines = log.take();
    assert_eq!(lines[..5], STARTED);
    assert_eq!(lines[5..], ["stops first", "stops last", "stopping is delivered"]);
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.delivered, report.failed), (3, 0));
}

#[tokio::test]
async fn a_failing_startup_hook_fails_the_start_and_undoes_it() {
    let log = Arc::new(Log::default());
    let seen = Arc::clone(&log);
    let plan = Plan(&[Trouble::FailsToStart]);
    let builder = Lifespan::builder().state(Log::default()).state(plan).state(Semaphore::new(0));
    let builder = builder.on(move |_: Arc<Stopping>| {
        seen.write("undone");
        async {}
    });
    let error = builder.start().await.expect_err("a hook fails");
    let [finding] = error.findings() else { panic!("{error}") };
    assert_eq!(finding.message(), "startup hook `lifespan::second` failed: no bowl");
    assert!(finding.places()[0].file().ends_with("lifespan.rs"));
    assert_eq!(log.take(), ["undone"], "the shutdown hooks have run");
}

#[tokio::test(start_paused = true)]
async fn every_shutdown_hook_runs_even_when_one_fails_and_one_hangs() {
    let plan = Plan(&[Trouble::FailsToStop, Trouble::HangsAtStop]);
    let (app, log) = start_with(Lifespan::builder(), plan).await;
    let report = app.shutdown().await.expect("from outside");
    let lines: Vec<_> = log.take().into_iter().filter(|line| line.starts_with("stop")).collect();
    assert_eq!(lines, ["stops first", "stops last", "stopping is delivered"]);
    assert_eq!(report.failed_endings.len(), 2, "{report}");
    assert!(report.failed_endings[0].contains("`lifespan::slow_to_stop`"), "{report}");
    assert!(report.failed_endings[0].ends_with("it took longer than its time-out of 2s"), "{report}");
    assert!(report.failed_endings[1].ends_with("failed: the bowl is stuck"), "{report}");
    assert!(!report.is_clean());
}

#[derive(Event)]
struct Waits;

#[on]
async fn waits(_: &Waits, gate: State<Semaphore>, log: State<Log>) {
    let _permit = gate.acquire().await;
    log.write("waited");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_aborts_what_is_at_work_and_names_it() {
    let (app, log) = start_with(Lifespan::builder().shutdown_deadline(Duration::from_secs(5)), Plan::default()).await;
    app.dispatch(Waits).expect("accepted");
    app.dispatch(Waits).expect("accepted");
    let begun = tokio::time::Instant::now();
    let report = app.shutdown().await.expect("from outside");
    assert_eq!(begun.elapsed().as_secs(), 5);
    assert_eq!((report.aborted, report.failed, report.unfinished), (3, 2, 0), "what a hook dispatches comes too late");
    assert_eq!(report.aborted_handlers, ["`lifespan::waits` on `waits`", "`lifespan::waits` on `waits`"]);
    let lines = log.take();
    assert!(lines.contains(&"stops last".to_owned()), "hooks run all the same");
    let aborted = lines.iter().filter(|line| line.contains("it was at work when the lifespan was forced to end"));
    assert_eq!(aborted.count(), 2, "failure hooks are told");
}

#[tokio::test(start_paused = true)]
async fn callers_of_shutdown_wait_for_the_same_end() {
    let (app, log) = start().await;
    app.dispatch(Waits).expect("accepted");
    let gate = app.state::<Semaphore>().expect("it was given a gate");
    let (one, two, ()) = tokio::join!(app.shutdown(), app.shutdown_within(Duration::ZERO), async {
        tokio::task::yield_now().await;
        gate.add_permits(1);
    });
    assert_eq!(one, two);
    let report = app.shutdown().await;
    assert_eq!(one, report);
    assert_eq!(report.expect("from outside").aborted, 0, "the first deadline counts");
    assert_eq!(log.take().iter().filter(|line| *line == "stops last").count(), 1, "hooks run once");
}

#[tokio::test(start_paused = true)]
async fn an_abort_forces_a_shutdown_that_is_under_way() {
    let (app, _) = start().await;
    app.dispatch(Waits).expect("accepted");
    let (report, ()) = tokio::join!(app.shutdown(), async {
        tokio::task::yield_now().await;
        app.abort();
    });
    assert_eq!(report.expect("from outside").aborted, 2, "what a hook dispatches comes too late");
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_never_ends_is_told_in_the_report() {
    let (app, _) = start().await;
    let mut scope = Box::pin(app.scope(async {
        dispatch(Started).expect("accepted");
        std::future::pending::<()>().await;
    }));
    std::future::poll_fn(|cx| {
        assert!(scope.as_mut().poll(cx).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    let report = app.shutdown_within(Duration::from_secs(1)).await.expect("from outside");
    assert_eq!(
        (report.unfinished, report.aborted),
        (1, 2),
        "what the scope holds, and what a hook dispatched: {report}"
    );
    assert!(!report.is_clean());
}

#[on(failure)]
async fn hear_of_failures(failure: &Failure, log: State<Log>, plan: State<Plan>) -> Result<(), String> {
    tokio::task::yield_now().await;
    let event = failure.event().map_or("none", AnyEvent::name);
    log.write(format!("{} on {event}: {}", failure.handler(), failure.cause()));
    if plan.has(&Trouble::FailsToTell) { Err("the hook fails itself".into()) } else { Ok(()) }
}

#[derive(Event)]
struct Breaks(&'static str);

#[on]
fn breaks(event: &Breaks) -> Result<(), String> {
    match event.0 {
        "panic" => panic!("broken"),
        text => Err(text.into()),
    }
}

#[tokio::test]
async fn failure_hooks_hear_of_every_failure() {
    let (app, log) = start().await;
    log.take();
    app.scope(async {
        dispatch(Breaks("cracked")).expect("accepted");
        dispatch(Breaks("panic")).expect("accepted");
    })
    .await;
    let report = app.shutdown().await.expect("from outside");
    let lines = log.take();
    for expected in ["lifespan::breaks on breaks: cracked", "lifespan::breaks on breaks: it panicked: broken"] {
        assert!(lines.contains(&expected.to_owned()), "{lines:?}");
    }
    assert_eq!(report.failed, 2);
}

#[tokio::test]
async fn a_failing_failure_hook_goes_no_further() {
    let (app, log) = start_with(Lifespan::builder(), Plan(&[Trouble::FailsToTell])).await;
    app.dispatch(Breaks("cracked")).expect("accepted");
    let report = app.shutdown().await.expect("from outside");
    assert_eq!(report.failed, 2, "the handler and the hook");
    assert_eq!(log.take().iter().filter(|line| line.contains("cracked")).count(), 1);
}

#[tokio::test]
async fn closures_are_handlers_like_others() {
    let count = Arc::new(AtomicUsize::new(0));
    let (typed, any) = (Arc::clone(&count), Arc::clone(&count));
    let builder = Lifespan::builder()
        .on(move |event: Arc<Breaks>| {
            typed.fetch_add(event.0.len(), Ordering::Relaxed);
            async { Started }
        })
        .on_pattern("b*s", move |event: AnyEvent| {
            any.fetch_add(100 * event.name().len(), Ordering::Relaxed);
            async { Err::<(), _>("from a closure") }
        })
        .on_pattern("other-*", |_| async { Err::<(), _>("it does not match") });
    let (app, _) = start_with(builder, Plan::default()).await;
    let delivery = app.deliver(Breaks("four")).await.expect("accepted");
    assert_eq!(count.load(Ordering::Relaxed), 604);
    let failures: Vec<_> =
        delivery.failures().iter().map(|failure| (failure.handler(), failure.cause().to_string())).collect();
    assert_eq!(
        failures,
        [("lifespan::breaks".into(), "four".into()), ("closure".to_owned(), "from a closure".to_owned())]
    );
    let closure = &delivery.failures()[1];
    assert!(closure.place().file().ends_with("lifespan.rs") && closure.place().line() > 1);
    let report = app.shutdown().await.expect("from outside");
    assert_eq!(report.delivered, 2 + 1 + 1 + 1, "two of the start, two here, one of the end");
}

#[tokio::test]
async fn a_thousand_lifespans_leave_nothing_behind() {
    let alive = Arc::new(());
    for _ in 0..1000 {
        let (app, _) = start_with(Lifespan::builder().state(Arc::clone(&alive)), Plan::default()).await;
        app.shutdown().await.expect("from outside");
    }
    tokio::task::yield_now().await;
    assert_eq!(Arc::strong_count(&alive), 1, "no lifespan is left");
}

#[test]
fn five_threads_with_a_runtime_each_share_nothing() {
    let run = |thread: usize| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let (app, log) = start().await;
            for n in 0..thread {
                app.scope(async { dispatch(Breaks(["a", "b", "c", "d", "e"][n])) }).await.expect("accepted");
            }
            let report = app.shutdown().await.expect("from outside");
            assert_eq!(report.failed, thread as u64);
            assert_eq!(log.take().iter().filter(|line| line.starts_with("lifespan::breaks")).count(), thread);
        });
    };
    std::thread::scope(|scope| {
        (0..5).for_each(|thread| {
            scope.spawn(move || run(thread));
        });
    });
}

#[test]
fn two_runtimes_alternate_in_one_thread() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let (one, two) = (runtime(), runtime());
    let (first, first_log) = one.block_on(start());
    let (second, second_log) = two.block_on(start());
    for _ in 0..3 {
        one.block_on(first.scope(async { dispatch(Breaks("one")) })).expect("accepted");
        two.block_on(second.scope(async { dispatch(Breaks("two")) })).expect("accepted");
    }
    one.block_on(first.shutdown()).expect("from outside");
    two.block_on(second.shutdown()).expect("from outside");
    for (log, own, other) in [(first_log, ": one", ": two"), (second_log, ": two", ": one")] {
        let lines = log.take();
        assert_eq!(lines.iter().filter(|line| line.ends_with(own)).count(), 3);
        assert!(!lines.iter().any(|line| line.ends_with(other)), "{lines:?}");
    }
}

#[test]
fn a_runtime_that_ends_first_is_told_to_who_waits() {
    let home = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let (app, _) = home.block_on(start());
    home.block_on(async { app.dispatch(Waits) }).expect("accepted");
    drop(home);
    let away = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let report = away.block_on(app.shutdown()).expect("from outside");
    assert_eq!(report.aborted, 3, "two of the start were waiting too: {report}");
    assert!(matches!(away.block_on(async { app.dispatch(Waits) }), Err(DispatchError::Closed { .. })));
}

struct CountsItsDrop(Arc<AtomicUsize>);

impl Drop for CountsItsDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lifespan_that_nobody_holds_ends() {
    let failures = Arc::new(AtomicUsize::new(0));
    let dropped = Arc::clone(&failures);
    let (app, log) = start_with(Lifespan::builder().state(CountsItsDrop(dropped)), Plan::default()).await;
    app.dispatch(Waits).expect("accepted");
    tokio::task::yield_now().await;
    drop((app, log));
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(failures.load(Ordering::Relaxed), 1, "its state is gone");
}

#[test]
fn a_failure_says_what_it_is() {
    assert_eq!(FailureCause::Aborted.to_string(), "it was at work when the lifespan was forced to end");
}

#[tokio::test]
async fn failures_that_find_no_room_are_counted_and_not_told() {
    let (app, log) = start_with(Lifespan::builder().without("lifespan::first").max_pending(3), Plan::default()).await;
    app.scope(async {
        for _ in 0..3 {
            dispatch(Breaks("cracked")).expect("there is room");
        }
    })
    .await;
    let report = app.shutdown().await.expect("from outside");
    assert_eq!(report.failed, 3);
    let told = log.take().iter().filter(|line| line.contains("cracked")).count();
    assert_eq!(told, 0, "the three events took all the room until the last had been delivered");
}
