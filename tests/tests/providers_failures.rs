//! Providers that fail, panic or hang: what is told, who runs all the same, and what becomes of what was made before.

mod support;

use std::time::Duration;

use events::{Delivery, Event, Failure, FailureCause, Lifespan, ProviderError, State, Teardown, on, provide};
use support::Log;
use support::script::{Does, Script, Value, log_end, place, rest};

struct Base(#[expect(dead_code, reason = "it is dropped")] Value);
struct Middle(#[expect(dead_code, reason = "it is dropped")] Value);
struct Top(#[expect(dead_code, reason = "it is dropped")] Value);

#[provide]
async fn base(log: State<Log>, script: State<Script>, teardown: Teardown) -> Result<Base, String> {
    log_end(teardown, "base", &log);
    script.act("base").await?;
    Ok(Base(Value::new("base", &log)))
}

/// It registers its teardown before it fails, and has little time.
#[provide(timeout = "2s")]
async fn middle(
    #[depends(base)] _: &Base,
    log: State<Log>,
    script: State<Script>,
    teardown: Teardown,
) -> Result<Middle, String> {
    log_end(teardown, "middle", &log);
    script.act("middle").await?;
    Ok(Middle(Value::new("middle", &log)))
}

#[provide]
fn top(#[depends(middle)] _: &Middle, log: State<Log>, script: State<Script>) -> Result<Top, String> {
    script.act_at_once("top")?;
    Ok(Top(Value::new("top", &log)))
}

#[derive(Event)]
struct Asked;

#[on(timeout = "5s")]
async fn work(_: &Asked, #[depends(top)] _: &Top, log: State<Log>, script: State<Script>) -> Result<(), String> {
    log.write("work");
    script.act("work").await
}

#[on]
fn work_at_once(_: &Asked, #[depends(top)] _: &Top, log: State<Log>) {
    log.write("work");
}

#[on(blocking)]
fn block(_: &Asked, #[depends(top)] _: &Top, log: State<Log>) {
    log.write("work");
}

struct Quick;

#[provide]
fn quick(script: State<Script>) -> Result<Quick, String> {
    script.act_at_once("quick").map(|()| Quick)
}

#[on(now)]
fn now(_: &Asked, #[depends(quick)] _: &Quick, log: State<Log>) {
    log.write("work");
}

#[on(order = 1)]
fn other(_: &Asked, log: State<Log>) {
    log.write("other");
}

#[on(failure)]
fn hear(failure: &Failure, log: State<Log>) {
    log.write(format!("hear of {}", failure.handler()));
}

/// What one delivery did, and what became of it.
async fn called<F: 'static, const N: usize>(function: F, lines: [(&'static str, Does); N]) -> (Delivery, Vec<String>) {
    let builder = Lifespan::builder().without_all().with(function).with(other).state(Script::of(lines));
    let (app, log) = support::start_with(builder).await;
    let delivery = app.deliver(Asked).await.expect("accepted");
    assert_eq!(delivery.handlers(), 2, "one that did not run is counted");
    app.shutdown().await.expect("from outside");
    (delivery, log.take())
}

fn only(delivery: &Delivery) -> &Failure {
    let [failure] = delivery.failures() else { panic!("{delivery:?}") };
    failure
}

/// The failure of a handler, as it is told.
fn text(handler: &str, cause: &str) -> String {
    let handler = format!("providers_failures::{handler}");
    let place = place(&handler);
    format!("`{handler}` ({place}) failed on `asked`: {cause}")
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_fails_is_named_and_its_handler_does_not_run() {
    let causes = [
        (Does::Fail, "provider `providers_failures::middle` failed: middle fails"),
        (Does::Panic, "provider `providers_failures::middle` failed: it panicked: middle panics"),
        (Does::Hang, "provider `providers_failures::middle` failed: it took longer than its time-out of 2s"),
    ];
    for (does, cause) in causes {
        let (delivery, log) = called(work, [("middle", does)]).await;
        assert_eq!(only(&delivery).to_string(), text("work", cause));
        assert_eq!(log, ["make base", "end middle Failed", "end base Failed", "drop base", "other"]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_provider_can_be_looked_into() {
    let (delivery, _) = called(work, [("middle", Does::Fail)]).await;
    let FailureCause::Error(error) = only(&delivery).cause() else { panic!("{delivery:?}") };
    let error: &ProviderError = error.downcast_ref().expect("it is of a provider");
    assert_eq!(error.provider(), "providers_failures::middle");
    assert_eq!(error.place(), place("providers_failures::middle"));
    assert!(matches!(error.cause(), FailureCause::Error(cause) if cause.to_string() == "middle fails"), "{error:?}");
    let source = std::error::Error::source(error).expect("the provider's own error");
    assert_eq!(source.to_string(), "middle fails");
}

#[tokio::test(start_paused = true)]
async fn functions_of_every_kind_tell_the_same() {
    let lines = [("middle", Does::Fail), ("quick", Does::Fail)];
    let cause = "provider `providers_failures::middle` failed: middle fails";
    let made = ["make base", "end middle Failed", "end base Failed", "drop base", "other"];
    let (delivery, log) = called(work_at_once, lines).await;
    assert_eq!((only(&delivery).to_string(), &log[..]), (text("work_at_once", cause), &made.map(String::from)[..]));
    let (delivery, log) = called(block, lines).await;
    assert_eq!((only(&delivery).to_string(), &log[..]), (text("block", cause), &made.map(String::from)[..]));

    let (delivery, log) = called(now, lines).await;
    let cause = "provider `providers_failures::quick` failed: quick fails";
    assert_eq!((only(&delivery).to_string(), &log[..]), (text("now", cause), &["other".to_owned()][..]));
    let (delivery, _) = called(now, [("quick", Does::Panic)]).await;
    let cause = "provider `providers_failures::quick` failed: it panicked: quick panics";
    assert_eq!(only(&delivery).to_string(), text("now", cause));
}

#[tokio::test(start_paused = true)]
async fn the_innermost_provider_is_named_once() {
    for (does, cause) in [(Does::Fail, "base fails"), (Does::Panic, "it panicked: base panics")] {
        let (delivery, log) = called(work, [("base", does)]).await;
        let cause = format!("provider `providers_failures::base` failed: {cause}");
        assert_eq!(only(&delivery).to_string(), text("work", &cause));
        assert_eq!(log, ["end base Failed", "other"]);
    }
    let (delivery, log) = called(work, [("top", Does::Panic)]).await;
    let cause = "provider `providers_failures::top` failed: it panicked: top panics";
    assert_eq!(only(&delivery).to_string(), text("work", cause));
    let torn_down = ["end middle Failed", "drop middle", "end base Failed", "drop base", "other"];
    assert_eq!(log, [&["make base", "make middle"][..], &torn_down].concat());
}

/// `middle` has two seconds of its own, of which it loses none while it waits for `base`.
#[tokio::test(start_paused = true)]
async fn the_time_out_of_a_handler_names_the_provider_that_was_at_work() {
    let (delivery, log) = called(work, [("base", Does::Hang)]).await;
    let cause = "provider `providers_failures::base` failed: it took longer than its time-out of 5s";
    assert_eq!(only(&delivery).to_string(), text("work", cause));
    assert_eq!(log, ["end base Failed", "other"]);

    let lines = [("base", Does::Take(4_000)), ("middle", Does::Take(1_500))];
    let (delivery, log) = called(work, lines).await;
    let cause = "provider `providers_failures::middle` failed: it took longer than its time-out of 5s";
    assert_eq!(only(&delivery).to_string(), text("work", cause));
    assert_eq!(log, ["make base", "end middle Failed", "end base Failed", "drop base", "other"]);

    let lines = [("base", Does::Take(3_000)), ("middle", Does::Take(1_500)), ("work", Does::Hang)];
    let (delivery, _) = called(work, lines).await;
    assert_eq!(only(&delivery).to_string(), text("work", "it took longer than its time-out of 5s"));
}

#[tokio::test(start_paused = true)]
async fn failure_hooks_hear_of_it_once() {
    let builder = Lifespan::builder().without_all().with(work).with(hear).state(Script::of([("base", Does::Fail)]));
    let (app, log) = support::start_with(builder).await;
    app.deliver(Asked).await.expect("accepted");
    let report = app.shutdown().await.expect("from outside");
    assert_eq!((report.failed, log.count("hear of providers_failures::work")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_forced_end_drops_what_was_made_where_a_provider_is_at_work() {
    let builder = Lifespan::builder().without_all().with(work).state(Script::of([("middle", Does::Hang)]));
    let (app, log) = support::start_with(builder).await;
    app.dispatch(Asked).expect("accepted");
    rest().await;
    let report = app.shutdown_within(Duration::ZERO).await.expect("from outside");
    assert_eq!(report.aborted_handlers, ["`providers_failures::work` on `asked`"]);
    assert_eq!(log.take(), ["make base", "drop base"]);
}

#[tokio::test(start_paused = true)]
async fn a_forced_end_lets_a_thread_go_that_waits_for_a_provider() {
    let builder = Lifespan::builder().without_all().with(block).state(Script::of([("base", Does::Hang)]));
    let (app, log) = support::start_with(builder).await;
    app.dispatch(Asked).expect("accepted");
    tokio::task::yield_now().await;
    let report = app.shutdown_within(Duration::ZERO).await.expect("from outside");
    assert_eq!(report.aborted_handlers, ["`providers_failures::block` on `asked`"]);
    assert!(log.take().is_empty());
    // The runtime of this test ends with it, and waits for its threads.
}
