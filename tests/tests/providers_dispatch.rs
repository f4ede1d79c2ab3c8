//! What providers dispatch: while the lifespan starts, for a call, at the end of a call, at the end of the lifespan.

mod support;

use events::testing::TestLifespan;
use events::{DispatchError, Event, Lifespan, State, Teardown, dispatch, on, provide};
use support::Log;

#[derive(Event)]
struct Asked;

/// Who has dispatched it.
#[derive(Event)]
struct Heard(&'static str);

#[on]
fn hear(event: &Heard, log: State<Log>) {
    log.write(event.0);
}

/// Dispatches when it is dropped.
struct Speaking(&'static str);

impl Drop for Speaking {
    fn drop(&mut self) {
        dispatch(Heard(self.0)).expect("it is dropped where it was made");
    }
}

struct Opened;

#[provide(lifespan)]
async fn opened() -> Result<Opened, DispatchError> {
    dispatch(Heard("the start"))?;
    tokio::task::yield_now().await;
    Ok(Opened)
}

#[on(startup)]
fn open(#[depends(opened)] _: &Opened, log: State<Log>) {
    log.write("open");
}

#[on(startup, order = 1)]
fn fails() -> Result<(), &'static str> {
    Err("not today")
}

/// Dispatches as it is made and as it is torn down.
fn speak(teardown: Teardown) -> Result<Speaking, DispatchError> {
    dispatch(Heard("a provider"))?;
    teardown.register(async |_| {
        tokio::task::yield_now().await;
        dispatch(Heard("a teardown")).expect("it stands in the call");
        Heard("the answer of a teardown")
    });
    Ok(Speaking("a destructor"))
}

#[provide]
async fn speaking(teardown: Teardown) -> Result<Speaking, DispatchError> {
    speak(teardown)
}

#[on]
async fn ask(_: &Asked, #[depends(speaking)] _: &Speaking) {}

#[on(blocking)]
fn block(_: &Asked, #[depends(speaking)] _: &Speaking) {}

#[provide]
fn quick(teardown: Teardown) -> Result<Speaking, DispatchError> {
    speak(teardown)
}

#[on(now)]
fn now(_: &Asked, #[depends(quick)] _: &Speaking) {}

#[tokio::test]
async fn what_is_dispatched_at_the_start_is_delivered_after_it() {
    let (app, log) = support::start_with(Lifespan::builder().without_all().with(open).with(hear)).await;
    assert_eq!(log.take(), ["open"]);
    let report = app.shutdown().await.expect("from outside");
    assert_eq!((log.take(), report.delivered), (vec!["the start".to_owned()], 1));

    let log = Log::default();
    let builder = Lifespan::builder().without_all().with(open).with(fails).with(hear).state(log.clone());
    builder.start().await.expect_err("a hook fails");
    assert_eq!(log.take(), ["open"], "a start that fails drops it");
}

/// Everything that a call dispatches came of its event.
fn assert_chained(app: &TestLifespan) {
    let [asked, chained @ ..] = &app.dispatched()[..] else { panic!("{app}") };
    assert_eq!(chained.len(), 4, "{app}");
    assert!(chained.iter().all(|event| event.causation() == Some(asked.id()) && event.hops() == 1), "{app}");
    app.assert_no_failures();
}

async fn ask_in(builder: events::LifespanBuilder) {
    let app = builder.with(hear).state(Log::default()).start_test().await;
    let log: State<Log> = app.state().expect("it was given one");
    app.scope(async { dispatch(Asked) }).await.expect("accepted");
    app.settled().await;
    assert_chained(&app);
    let mut heard = log.take();
    heard.sort();
    assert_eq!(heard, ["a destructor", "a provider", "a teardown", "the answer of a teardown"]);
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn what_is_dispatched_for_a_call_is_chained() {
    ask_in(Lifespan::builder().without_all().with(ask)).await;
    ask_in(Lifespan::builder().without_all().with(block)).await;
}

#[tokio::test]
async fn so_is_what_a_now_handler_leaves_to_the_lifespan() {
    let app = Lifespan::builder().without_all().with(now).with(hear).state(Log::default()).start_test().await;
    app.dispatch(Asked).expect("accepted");
    app.settled().await;
    assert_chained(&app);
}

struct Closing;

#[provide(lifespan)]
fn closing(log: State<Log>, teardown: Teardown) -> Closing {
    teardown.register(async move |_| {
        let refused = dispatch(Heard("too late")).expect_err("it comes after the last event");
        log.write(refused.to_string());
        Heard("much too late")
    });
    Closing
}

#[on]
fn needs(_: &Asked, #[depends(closing)] _: &Closing) {}

#[tokio::test]
async fn what_is_dispatched_at_the_end_of_a_lifespan_is_refused() {
    let (app, log) = support::start_with(Lifespan::builder().without_all().with(needs).with(hear)).await;
    let report = app.shutdown().await.expect("from outside");
    let closed = "`heard` came after the lifespan's end: it has been shut down";
    assert_eq!(log.take(), [closed]);
    let text = format!("the teardown of provider `providers_dispatch::closing` failed: {closed}");
    assert_eq!((report.failed_endings, report.delivered), (vec![text], 0));
}
