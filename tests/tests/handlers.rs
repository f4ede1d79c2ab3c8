//! What a handler may take, what it may return, in which way and in which order it runs.

mod support;

use std::sync::Arc;
use std::time::Duration;

use events::{AnyEvent, Context, Emit, Event, FailureCause, FromContext, Lifespan, Metadata, State, View, on};
use serde::{Deserialize, Serialize};
use support::Log;

async fn start() -> (Lifespan, State<Log>) {
    support::start_with(Lifespan::builder()).await
}

#[derive(Clone, Debug, Event, Serialize, Deserialize)]
struct CatFed {
    fish: u32,
}

#[on("cat-fed")]
fn borrowed(event: &CatFed, log: State<Log>) {
    log.write(format!("borrowed {}", event.fish));
}

#[on("cat-fed")]
fn owned(mut event: CatFed, log: State<Log>) {
    event.fish += 1;
    log.write(format!("owned {}", event.fish));
}

#[on("cat-fed")]
fn shared(event: Arc<CatFed>, log: State<Log>) {
    log.write(format!("shared {}", event.fish));
}

#[on("cat-fed")]
fn any(event: &AnyEvent, log: State<Log>) {
    let typed = event.downcast_ref::<CatFed>().expect("a CatFed");
    log.write(format!("any {} {} {}", event.name(), event.json(), typed.fish));
}

#[on("cat-fed")]
fn any_owned(event: AnyEvent, log: State<Log>) {
    log.write(format!("any_owned {}", event.name()));
}

#[derive(Deserialize)]
struct HasFish {
    fish: i64,
}

#[on("cat-f[aeiou]d")]
fn view(event: View<HasFish>, log: State<Log>) {
    log.write(format!("view {}", event.fish));
}

#[tokio::test]
async fn every_form_of_the_event_sees_the_same_payload() {
    let (app, log) = start().await;
    let delivery = app.deliver(CatFed { fish: 2 }).await.expect("accepted");
    assert_eq!((delivery.handlers(), delivery.failures().len()), (6, 0));
    assert_eq!(
        log.take(),
        ["borrowed 2", "owned 3", "shared 2", "any cat-fed {\"fish\":2} 2", "any_owned cat-fed", "view 2"]
    );
}

#[derive(Event)]
struct Injected;

struct Doubled(u32);

impl FromContext for Doubled {
    type Error = &'static str;

    fn from_context(context: &Context<'_>) -> Result<Self, Self::Error> {
        let number = context.state::<u32>().ok_or("no number")?;
        assert_eq!(context.event().map(AnyEvent::name), Some("injected"));
        Ok(Self(*number * 2))
    }
}

#[on]
async fn inject(_: &Injected, metadata: Metadata, app: Lifespan, doubled: Doubled, log: State<Log>) {
    tokio::task::yield_now().await;
    assert_eq!(metadata.hops(), 0);
    assert_eq!(metadata.correlation(), metadata.id());
    assert!(app.state::<Log>().is_some());
    log.write(format!("{} {}", metadata.name(), doubled.0));
}

#[tokio::test]
async fn parameters_are_made_from_the_context() {
    let (app, log) = support::start_with(Lifespan::builder().state(21_u32)).await;
    let delivery = app.deliver(Injected).await.expect("accepted");
    assert!(delivery.is_ok(), "{delivery:?}");
    assert_eq!(log.take(), ["injected 42"]);
}

#[tokio::test]
async fn a_parameter_that_cannot_be_made_is_a_failure_and_the_handler_does_not_run() {
    let (app, log) = start().await;
    let delivery = app.deliver(Injected).await.expect("accepted");
    assert_eq!(delivery.failures().len(), 1);
    let failure = &delivery.failures()[0];
    assert_eq!(failure.handler(), "handlers::inject");
    assert_eq!(failure.cause().to_string(), "no number");
    assert!(failure.place().file().ends_with("handlers.rs"));
    assert!(log.take().is_empty());
}

#[derive(Event)]
enum Asked {
    Nothing,
    One,
    Maybe(bool),
    Many(u32),
    Pair,
    Fallible(bool),
    Nested,
    Signature,
}

#[derive(Event)]
struct Answered(&'static str);

#[derive(Event)]
struct Counted(u32);

#[on("nothing")]
fn nothing(_: &Asked) {}

#[on("one")]
fn one(_: &Asked) -> Answered {
    Answered("one")
}

#[on("maybe")]
fn maybe(event: &Asked) -> Option<Answered> {
    matches!(event, Asked::Maybe(true)).then_some(Answered("maybe"))
}

#[on("many")]
async fn many(event: &Asked) -> Vec<Counted> {
    match event {
        Asked::Many(count) => (0..*count).map(Counted).collect(),
        _ => Vec::new(),
    }
}

#[on("pair", blocking)]
fn pair(_: &Asked) -> (Answered, Counted) {
    (Answered("pair"), Counted(2))
}

#[on("fallible")]
fn fallible(event: &Asked) -> Result<Answered, String> {
    match event {
        Asked::Fallible(true) => Ok(Answered("fallible")),
        _ => Err("refused".into()),
    }
}

#[on("nested")]
async fn nested(_: &Asked) -> Result<(Option<Answered>, Vec<(Counted,)>), std::io::Error> {
    Ok((Some(Answered("nested")), vec![(Counted(1),), (Counted(2),)]))
}

#[on("signature")]
fn signature(_: &Asked, emit: Emit<(Answered, Counted)>, alone: Emit<Counted>) -> Result<(), events::DispatchError> {
    emit.dispatch(Answered("signature"))?;
    emit.dispatch(Counted(1))?;
    alone.dispatch(Counted(2))
}

#[on]
fn note_answer(event: &Answered, metadata: Metadata, log: State<Log>) {
    assert_eq!(metadata.hops(), 1);
    assert_eq!(metadata.causation(), Some(metadata.correlation()));
    log.write(event.0);
}

#[on]
fn note_count(event: &Counted, log: State<Log>) {
    log.write(event.0.to_string());
}

#[tokio::test]
async fn what_a_handler_returns_is_dispatched() {
    let expected: [(Asked, &[&str]); 9] = [
        (Asked::Nothing, &[]),
        (Asked::One, &["one"]),
        (Asked::Maybe(false), &[]),
        (Asked::Maybe(true), &["maybe"]),
        (Asked::Many(3), &["0", "1", "2"]),
        (Asked::Pair, &["pair", "2"]),
        (Asked::Fallible(true), &["fallible"]),
        (Asked::Nested, &["nested", "1", "2"]),
        (Asked::Signature, &["signature", "1", "2"]),
    ];
    for (asked, answers) in expected {
        let (app, log) = start().await;
        let name = asked.name();
        let delivery = app.deliver(asked).await.expect("accepted");
        assert!(delivery.is_ok() && delivery.handlers() == 1, "{name}: {delivery:?}");
        app.shutdown().await.expect("from outside");
        assert_eq!(log.take(), answers, "{name}");
    }
}

#[tokio::test]
async fn an_error_is_a_failure_with_its_text() {
    let (app, log) = start().await;
    let delivery = app.deliver(Asked::Fallible(false)).await.expect("accepted");
    assert!(matches!(delivery.failures()[0].cause(), FailureCause::Error(error) if error.to_string() == "refused"));
    assert_eq!(delivery.failures()[0].attempt(), 1);
    app.shutdown().await.expect("from outside");
    assert!(log.take().is_empty());
}

#[derive(Event)]
struct Staged;

#[on(order = 1)]
async fn stage_two_first(_: &Staged, log: State<Log>) {
    log.write("two, first begins");
    tokio::task::yield_now().await;
    log.write("two, first ends");
}

#[on(order = 1)]
async fn stage_two_second(_: &Staged, log: State<Log>) {
    log.write("two, second");
}

#[on("staged", order = -10)]
async fn stage_one(_: &Staged, log: State<Log>) {
    tokio::task::yield_now().await;
    log.write("one");
}

#[on(order = 2147483647)]
fn stage_three(_: &Staged, log: State<Log>) {
    log.write("three");
}

#[tokio::test]
async fn stages_follow_each_other_and_handlers_of_one_stage_overlap() {
    let (app, log) = start().await;
    app.scope(async { events::dispatch(Staged) }).await.expect("accepted");
    assert_eq!(log.take(), ["one", "two, first begins", "two, second", "two, first ends", "three"]);
}

#[derive(Event)]
struct Interrupted;

#[on(now)]
fn at_once(_: &Interrupted, log: State<Log>) {
    log.write("now");
}

#[on]
fn later(_: &Interrupted, log: State<Log>) {
    log.write("later");
}

#[on(blocking)]
fn elsewhere(_: &Interrupted, log: State<Log>) {
    let name = std::thread::current().name().map(str::to_owned);
    assert_ne!(name.as_deref(), Some("handlers"), "runs on the blocking pool");
    assert!(events::dispatch(Asked::Nothing).is_ok(), "the blocking pool knows the lifespan");
    log.write("blocking");
}

#[tokio::test]
async fn a_now_handler_runs_before_dispatch_returns() {
    let (app, log) = start().await;
    app.scope(async {
        events::dispatch(Interrupted).expect("accepted");
        assert_eq!(log.take(), ["now"]);
    })
    .await;
    assert_eq!(log.take(), ["later", "blocking"]);
}

#[derive(Event)]
struct Slow;

#[on(timeout = "5s")]
async fn too_slow(_: &Slow, log: State<Log>) {
    tokio::time::sleep(Duration::from_mins(1)).await;
    log.write("never");
}

#[on(timeout = "5s")]
async fn in_time(_: &Slow, log: State<Log>) {
    tokio::time::sleep(Duration::from_secs(4)).await;
    log.write("in time");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_fails_alone() {
    let (app, log) = start().await;
    let delivery = app.deliver(Slow).await.expect("accepted");
    assert_eq!(log.take(), ["in time"]);
    let [failure] = delivery.failures() else { panic!("{delivery:?}") };
    assert_eq!(failure.handler(), "handlers::too_slow");
    assert!(matches!(failure.cause(), FailureCause::Timeout(limit) if *limit == Duration::from_secs(5)));
}

#[derive(Event)]
struct Explosive;

#[on(order = -1, now)]
fn explodes_now(_: &Explosive) {
    panic!("at once");
}

#[on(order = -1)]
fn explodes_in_place(_: &Explosive) {
    panic!("in place");
}

#[on(order = -1)]
async fn explodes_after_waiting(_: &Explosive) {
    tokio::task::yield_now().await;
    panic!("after {}", "waiting");
}

#[on(order = -1, blocking)]
fn explodes_elsewhere(_: &Explosive) {
    std::panic::panic_any(7);
}

#[on]
async fn survives(_: &Explosive, log: State<Log>) {
    log.write("survived");
}

#[tokio::test]
async fn panics_are_failures_and_stop_nobody() {
    let (app, log) = start().await;
    let delivery = app.deliver(Explosive).await.expect("accepted");
    let mut texts: Vec<_> = delivery.failures().iter().map(|failure| failure.cause().to_string()).collect();
    texts.sort();
    assert_eq!(
        texts,
        [
            "it panicked: a panic without a text",
            "it panicked: after waiting",
            "it panicked: at once",
            "it panicked: in place"
        ]
    );
    assert_eq!(delivery.handlers(), 5);
    assert_eq!(log.take(), ["survived"]);
    let report = app.shutdown().await.expect("from outside");
    assert_eq!((report.delivered, report.failed), (1, 4));
}

#[test]
fn a_handler_stays_a_function() {
    assert!(matches!(one(&Asked::One), Answered("one")));
    assert!(maybe(&Asked::Maybe(false)).is_none());
}
