//! Values that live as long as a lifespan: in which order they come to be, and how they end.

mod support;

use std::time::Duration;

use events::{Event, Lifespan, LifespanBuilder, State, Teardown, on, provide};
use support::Log;
use support::script::{Does, Script, Value, log_end, place, rest, script_end};
use tokio::time::Instant;

struct Base(#[expect(dead_code, reason = "it is dropped")] Value);
struct Left(#[expect(dead_code, reason = "it is dropped")] Value);
struct Right(#[expect(dead_code, reason = "it is dropped")] Value);
struct Top(#[expect(dead_code, reason = "it is dropped")] Value);
struct Unasked;

#[provide(lifespan)]
fn base(log: State<Log>, script: State<Script>, teardown: Teardown) -> Result<Base, String> {
    script_end(teardown, ("base", "end of base"), &log, &script);
    script.act_at_once("base")?;
    Ok(Base(Value::new("base", &log)))
}

#[provide(lifespan)]
async fn left(#[depends(base)] _: &Base, log: State<Log>, script: State<Script>, teardown: Teardown) -> Left {
    log_end(teardown, "left", &log);
    script.act("left").await.expect("it is told nothing else");
    Left(Value::new("left", &log))
}

#[provide(lifespan, timeout = "20s")]
async fn right(
    #[depends(base)] _: &Base,
    log: State<Log>,
    script: State<Script>,
    teardown: Teardown,
) -> Result<Right, String> {
    script_end(teardown, ("right", "end of right"), &log, &script);
    rest().await; // so that it is always made after `left`, unless that takes its time
    script.act("right").await?;
    Ok(Right(Value::new("right", &log)))
}

#[provide(lifespan)]
fn top(#[depends(left)] _: &Left, #[depends(right)] _: &Right, log: State<Log>, teardown: Teardown) -> Top {
    log_end(teardown, "top", &log);
    Top(Value::new("top", &log))
}

#[provide(lifespan)]
fn unasked(log: State<Log>) -> Unasked {
    log.write("make what nobody asks for");
    Unasked
}

#[derive(Event)]
struct Asked;

#[on]
async fn work(_: &Asked, #[depends(top)] _: &Top, #[depends(base)] _: &Base, log: State<Log>) {
    tokio::task::yield_now().await;
    log.write("work");
}

#[on]
fn other(_: &Asked, #[depends(unasked)] _: &Unasked) {}

#[on(startup)]
fn open(log: State<Log>, script: State<Script>) -> Result<(), String> {
    log.write("open");
    script.act_at_once("open")
}

#[on(shutdown)]
fn close(log: State<Log>) -> Asked {
    log.write("close");
    Asked
}

fn builder<const N: usize>(lines: [(&'static str, Does); N]) -> LifespanBuilder {
    Lifespan::builder().without_all().with(work).with(open).with(close).state(Script::of(lines))
}

/// The error of a start, and what has happened in it.
async fn failed(builder: LifespanBuilder) -> (String, Vec<String>) {
    let log = Log::default();
    let error = builder.state(log.clone()).start().await.expect_err("it fails");
    (error.to_string(), log.take())
}

/// The error of a start that one provider keeps from its end.
fn text(provider: &str, cause: &str) -> String {
    let provider = format!("providers_lifespan::{provider}");
    let place = place(&provider);
    format!("the lifespan cannot start:\n  - provider `{provider}` failed: {cause} ({place})")
}

#[tokio::test(start_paused = true)]
async fn they_are_made_in_order_before_everything_and_end_in_reverse_after_everything() {
    let (app, log) = support::start_with(builder([])).await;
    assert_eq!(log.take(), ["make base", "make left", "make right", "make top", "open"]);
    app.dispatch(Asked).expect("accepted");
    let report = app.shutdown().await.expect("from outside");
    assert!(report.is_clean(), "{report}");
    let ends =
        ["end top Succeeded", "drop top", "end right Succeeded", "drop right", "end left Succeeded", "drop left"];
    let base = ["end base Succeeded", "drop base"];
    assert_eq!(log.take(), [&["work", "close", "work"][..], &ends, &base].concat());
}

#[tokio::test(start_paused = true)]
async fn those_that_depend_on_nothing_else_are_made_side_by_side() {
    let begun = Instant::now();
    let (app, log) = support::start_with(builder([("left", Does::Take(1_000)), ("right", Does::Take(900))])).await;
    assert_eq!(begun.elapsed().as_millis(), 1_000);
    assert_eq!(log.take(), ["make base", "make right", "make left", "make top", "open"]);
    app.shutdown().await.expect("from outside");
    let ends: Vec<_> = log.take().into_iter().filter(|line| line.starts_with("drop")).collect();
    assert_eq!(ends, ["drop top", "drop left", "drop right", "drop base"], "in reverse, as they came to be");
}

#[tokio::test(start_paused = true)]
async fn what_no_chosen_function_needs_is_not_made() {
    let builder = Lifespan::builder().without_all().with(open).with(close).state(Script::default());
    let (app, log) = support::start_with(builder).await;
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["open", "close"]);

    let (_app, log) = support::start_with(Lifespan::builder().without_all().with(other)).await;
    assert_eq!(log.take(), ["make what nobody asks for"]);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_calls_at_a_time_share_them() {
    let (app, log) = support::start_with(builder([])).await;
    let calls = (0..100).map(|_| app.deliver(Asked));
    let deliveries = futures_util::future::join_all(calls).await;
    assert!(deliveries.iter().all(|delivery| delivery.as_ref().is_ok_and(events::Delivery::is_ok)));
    assert_eq!((log.count("work"), log.count("make top"), log.count("make base")), (100, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn lifespans_do_not_share_them() {
    let (one, log_of_one) = support::start_with(builder([])).await;
    let (two, log_of_two) = support::start_with(builder([])).await;
    one.shutdown().await.expect("from outside");
    assert_eq!((log_of_one.count("drop base"), log_of_two.count("drop base")), (1, 0));
    assert!(two.deliver(Asked).await.expect("it is open").is_ok());
    assert_eq!((log_of_one.count("make base"), log_of_two.count("make base")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_fails_the_start_and_the_others_are_undone() {
    let causes = [
        (Does::Fail, "right fails"),
        (Does::Panic, "it panicked: right panics"),
        (Does::Hang, "it took longer than its time-out of 20s"),
    ];
    for (does, cause) in causes {
        // `left` is at work for as long as it may be, and has registered its teardown.
        let (error, log) = failed(builder([("right", does), ("left", Does::Hang)])).await;
        assert_eq!(error, text("right", cause));
        let order = ["make base", "end left Failed", "end right Failed", "end base Failed", "drop base"];
        assert_eq!(log, order, "no hook has run");
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_that_fails_leaves_nothing_to_undo_but_its_own() {
    let (error, log) = failed(builder([("base", Does::Fail)])).await;
    assert_eq!(error, text("base", "base fails"));
    assert_eq!(log, ["end base Failed"]);
}

#[tokio::test(start_paused = true)]
async fn a_startup_hook_that_fails_undoes_them_after_the_shutdown_hooks() {
    let (error, log) = failed(builder([("open", Does::Panic)])).await;
    let place = place("providers_lifespan::open");
    let hook = "startup hook `providers_lifespan::open` failed: it panicked: open panics";
    assert_eq!(error, format!("the lifespan cannot start:\n  - {hook} ({place})"));
    let made = ["make base", "make left", "make right", "make top", "open", "close", "work"];
    let ends = ["end top Failed", "drop top", "end right Failed", "drop right", "end left Failed", "drop left"];
    assert_eq!(log, [&made[..], &ends, &["end base Failed", "drop base"]].concat());
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_is_not_held_up_by_a_teardown_that_hangs() {
    let begun = Instant::now();
    let lines = [("right", Does::Fail), ("end of base", Does::Hang)];
    let (error, log) = failed(builder(lines).shutdown_deadline(Duration::from_secs(3))).await;
    assert_eq!((error, begun.elapsed().as_secs()), (text("right", "right fails"), 3));
    assert_eq!(log.last().map(String::as_str), Some("drop base"));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_given_up_undoes_them() {
    let log = Log::default();
    let start = builder([("right", Does::Hang)]).state(log.clone()).start();
    tokio::time::timeout(Duration::from_secs(1), start).await.expect_err("it hangs");
    rest().await;
    let order = ["make base", "make left", "end right Failed", "end left Failed", "drop left", "end base Failed"];
    assert_eq!(log.take(), [&order[..], &["drop base"]].concat());
}

#[tokio::test(start_paused = true)]
async fn a_teardown_that_hangs_has_what_the_deadline_leaves() {
    let (app, log) = support::start_with(builder([("end of right", Does::Hang)])).await;
    let begun = Instant::now();
    let report = app.shutdown_within(Duration::from_secs(7)).await.expect("from outside");
    assert_eq!(begun.elapsed().as_secs(), 7);
    let text = "the teardown of provider `providers_lifespan::right` failed: it took longer than its time-out of 7s";
    assert_eq!(report.failed_endings, [text]);
    assert!(!report.is_clean());
    let ends: Vec<_> = log.take().into_iter().filter(|line| line.starts_with("drop")).collect();
    assert_eq!(ends, ["drop top", "drop right", "drop left", "drop base"]);
}

#[tokio::test(start_paused = true)]
async fn a_teardown_that_fails_or_panics_is_in_the_report() {
    let lines = [("end of right", Does::Fail), ("end of base", Does::Panic)];
    let (app, log) = support::start_with(builder(lines)).await;
    let report = app.shutdown().await.expect("from outside");
    let text = |provider, cause| format!("the teardown of provider `providers_lifespan::{provider}` failed: {cause}");
    let texts = [text("right", "end of right fails"), text("base", "it panicked: end of base panics")];
    assert_eq!(report.failed_endings, texts);
    assert_eq!(log.count("drop base"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_forced_end_leaves_their_teardown_a_second() {
    let (app, log) = support::start_with(builder([("end of right", Does::Take(900))])).await;
    let report = app.shutdown_within(Duration::ZERO).await.expect("from outside");
    assert!(report.failed_endings.is_empty(), "{report}");
    assert_eq!((log.count("end base Succeeded"), log.count("drop base")), (1, 1));

    let (app, log) = support::start_with(builder([("end of right", Does::Take(1_100))])).await;
    let report = app.shutdown_within(Duration::ZERO).await.expect("from outside");
    assert_eq!(report.failed_endings.len(), 1, "{report}");
    assert_eq!((log.count("end base Succeeded"), log.count("drop base")), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_lifespan_that_is_dropped_tears_them_down() {
    let (app, log) = support::start_with(builder([])).await;
    drop(app);
    rest().await;
    let ends =
        ["end top Succeeded", "drop top", "end right Succeeded", "drop right", "end left Succeeded", "drop left"];
    let before = ["make base", "make left", "make right", "make top", "open", "close"];
    assert_eq!(log.take(), [&before[..], &ends, &["end base Succeeded", "drop base"]].concat());
}

#[test]
fn a_runtime_that_ends_first_drops_them() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (app, log) = runtime.block_on(support::start_with(builder([])));
    drop(runtime);
    drop(app);
    let ends: Vec<_> = log.take().into_iter().filter(|line| !line.starts_with("make")).collect();
    assert_eq!(ends, ["open", "drop top", "drop right", "drop left", "drop base"]);
}
