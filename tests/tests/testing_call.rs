//! One handler alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use events::testing::TestLifespan;
use events::{
    AnyEvent, DispatchError, Event, Failure, FailureCause, Lifespan, LifespanVar, Metadata, State, View, deliver,
    dispatch, on, spawn,
};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Clone, Debug, Event, Serialize, Deserialize, Validate)]
struct CatAsked {
    #[validate(range(max = 10))]
    fish: u32,
}

#[derive(Debug, Event, PartialEq)]
struct CatFed(u32);

#[derive(Debug, Event, PartialEq)]
struct Noted(String);

#[derive(Event)]
#[event(prefix = "dog-")]
enum Dog {
    Barked,
    Slept,
}

/// How often something ran that is not to run.
#[derive(Default)]
struct Others {
    times: AtomicU32,
}

#[on]
fn also_asked(_: &CatAsked, others: State<Others>) {
    others.times.fetch_add(1, Ordering::Relaxed);
}

#[on("*", now)]
fn watches(_: &AnyEvent, others: State<Others>) {
    others.times.fetch_add(1, Ordering::Relaxed);
}

#[on(failure)]
fn hears_of_failures(_: &Failure, others: State<Others>) {
    others.times.fetch_add(1, Ordering::Relaxed);
}

static PORTION: LifespanVar<u32> = LifespanVar::new();

#[on(order = 3)]
async fn feeds(event: &CatAsked, more: State<u32>, metadata: Metadata, app: Lifespan) -> Result<CatFed, String> {
    assert_eq!((metadata.name(), metadata.causation()), ("cat-asked", None));
    let portion = PORTION.get().map_err(|error| error.to_string())?;
    dispatch(Noted("dispatched".into())).map_err(|error| error.to_string())?;
    app.dispatch(Noted("by the handle".into())).map_err(|error| error.to_string())?;
    let delivery = deliver(Noted("delivered".into())).await.map_err(|error| error.to_string())?;
    assert_eq!(delivery.handlers(), 0);
    let _task = spawn(async {
        tokio::task::yield_now().await;
        dispatch(Noted("from a task".into()))
    });
    Ok(CatFed(event.fish + *more + *portion))
}

#[on(blocking)]
fn blocks(event: Arc<CatAsked>) -> CatFed {
    assert!(std::thread::current().name() != Some("testing_call"), "on another thread");
    CatFed(event.fish)
}

#[on(now)]
fn at_once(event: &CatAsked) -> (CatFed, CatFed) {
    (CatFed(event.fish), CatFed(0))
}

#[on("cat-a*")]
fn views(event: View<CatAsked>) -> CatFed {
    CatFed(event.fish)
}

#[on]
fn by_value(event: CatAsked) -> CatFed {
    CatFed(event.fish)
}

#[on]
fn panics(_: &CatAsked) -> CatFed {
    panic!("no bowl")
}

#[on]
fn fails_half_way(_: &CatAsked) -> Result<(), String> {
    dispatch(CatFed(1)).map_err(|error| error.to_string())?;
    Err("no second fish".into())
}

#[on(timeout = "2s")]
async fn hangs(_: &CatAsked) {
    std::future::pending::<()>().await;
}

#[on("dog-b*")]
fn hears(_: &Dog) {}

#[on(startup)]
fn opens() {
    PORTION.set(100).expect("inside").keep();
}

fn not_declared(_: &CatAsked) {}

async fn start() -> TestLifespan {
    Lifespan::builder().state(10_u32).state(Others::default()).start_test().await
}

#[tokio::test]
async fn a_handler_alone_has_its_real_parameters_and_keeps_what_it_emits() {
    let app = start().await;
    let called = app.call(feeds, CatAsked { fish: 2 }).await.expect("accepted");
    assert!(called.is_ok(), "{called:?}");
    assert_eq!(called.emitted_of::<CatFed>(), [&CatFed(112)]);
    let noted: Vec<_> = called.emitted_of::<Noted>().iter().map(|noted| noted.0.clone()).collect();
    assert_eq!(noted, ["dispatched", "by the handle", "delivered", "from a task"]);
    assert_eq!(called.emitted().len(), 5);
    assert!(called.emitted().iter().all(|event| event.hops() == 1 && event.causation().is_some()));
}

#[tokio::test]
async fn nothing_else_runs_and_the_record_knows_nothing() {
    let app = start().await;
    let called = app.call(feeds, CatAsked { fish: 2 }).await.expect("accepted");
    assert!(called.is_ok());
    let failed = app.call(panics, CatAsked { fish: 2 }).await.expect("accepted");
    assert!(!failed.is_ok() && failed.emitted().is_empty());
    app.settled().await;
    app.assert_nothing_dispatched();
    app.assert_no_failures();
    assert_eq!(app.state::<Others>().expect("it was given one").times.load(Ordering::Relaxed), 0);
    let report = app.shutdown().await.expect("from outside");
    assert_eq!((report.delivered, report.failed), (0, 0));
}

#[tokio::test]
async fn every_kind_of_call_and_of_event_parameter_works() {
    let app = start().await;
    let event = || CatAsked { fish: 2 };
    let fed = [&CatFed(2)];
    assert_eq!(app.call(blocks, event()).await.expect("accepted").emitted_of::<CatFed>(), fed);
    assert_eq!(app.call(at_once, event()).await.expect("accepted").emitted_of::<CatFed>(), [&CatFed(2), &CatFed(0)]);
    assert_eq!(app.call(views, event()).await.expect("accepted").emitted_of::<CatFed>(), fed);
    assert_eq!(app.call(by_value, event()).await.expect("accepted").emitted_of::<CatFed>(), fed);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_answered() {
    let app = start().await;
    let event = || CatAsked { fish: 2 };
    let called = app.call(panics, event()).await.expect("accepted");
    let failure = called.failure().expect("it panics");
    assert_eq!(failure.cause().to_string(), "it panicked: no bowl");
    assert_eq!(failure.handler(), "testing_call::panics");
    assert_eq!(failure.event().map(AnyEvent::name), Some("cat-asked"));

    let called = app.call(fails_half_way, event()).await.expect("accepted");
    assert_eq!(called.failure().expect("it fails").cause().to_string(), "no second fish");
    assert_eq!(called.emitted_of::<CatFed>(), [&CatFed(1)]);

    let called = app.call(hangs, event()).await.expect("accepted");
    let cause = called.failure().expect("it hangs").cause().to_string();
    assert_eq!(cause, FailureCause::Timeout(Duration::from_secs(2)).to_string());
}

#[tokio::test]
async fn a_handler_need_not_be_chosen() {
    let app = Lifespan::builder().without_all().start_test().await;
    let called = app.call(at_once, CatAsked { fish: 2 }).await.expect("accepted");
    assert_eq!(called.emitted().len(), 2);
    let called = app.call(feeds, CatAsked { fish: 2 }).await.expect("accepted");
    let text = called.failure().expect("it asks for state").cause().to_string();
    assert_eq!(text, "the lifespan has no state of type `u32`: give it to `Lifespan::builder().state(..)`");
}

#[tokio::test]
async fn the_event_is_checked_as_by_dispatch() {
    let app = start().await;
    let refused = app.call(panics, CatAsked { fish: 11 }).await.expect_err("too many");
    assert!(matches!(refused, DispatchError::Invalid { .. }), "{refused}");
    app.shutdown().await.expect("from outside");
    let refused = app.call(at_once, CatAsked { fish: 2 }).await.expect_err("it has ended");
    assert!(matches!(refused, DispatchError::Closed { .. }), "{refused}");
}

/// What `call` says before it is awaited.
fn said<T>(call: impl FnOnce() -> T) -> String {
    let panic =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(call()))).expect_err("it cannot be called");
    *panic.downcast::<String>().expect("a text")
}

#[tokio::test]
async fn what_cannot_be_called_is_told_at_once() {
    let app = start().await;
    let no_handler = |name| {
        format!(
            "`call` was given `{name}`, which is no handler: give it the name of a function under `#[on]` that takes an event"
        )
    };
    assert_eq!(said(|| app.call(not_declared, CatAsked { fish: 2 })), no_handler("testing_call::not_declared"));
    assert_eq!(said(|| app.call(opens, CatAsked { fish: 2 })), no_handler("testing_call::opens"));

    let place =
        |path: &str| events::catalog().handlers().find(|handler| handler.path() == path).expect("declared").place();
    assert_eq!(
        said(|| app.call(panics, CatFed(1))),
        format!(
            "`testing_call::panics` ({}) does not take `cat-fed`: it takes `&CatAsked`",
            place("testing_call::panics")
        )
    );
    assert_eq!(
        said(|| app.call(hears, Dog::Slept)),
        format!(
            "`testing_call::hears` ({}) does not take `dog-slept`: it takes `&Dog` that matches `dog-b*`",
            place("testing_call::hears")
        )
    );
    assert!(app.call(hears, Dog::Barked).await.expect("accepted").is_ok());
}
