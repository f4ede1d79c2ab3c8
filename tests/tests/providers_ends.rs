//! How the values of a call end: after success, errors, panics, time-outs and aborts, and when their teardown goes wrong.

mod support;

use std::sync::Mutex;
use std::time::Duration;

use events::{
    Delivery, Ending, Event, FailureCause, Lifespan, LifespanBuilder, ProviderError, State, Teardown, every, on,
    provide,
};
use support::Log;
use support::script::{Does, Script, Value, place, rest, script, script_end};

struct Inner(#[expect(dead_code, reason = "it is dropped")] Value);
struct Outer(#[expect(dead_code, reason = "it is dropped")] Value);

#[provide]
async fn inner(log: State<Log>, script: State<Script>, teardown: Teardown) -> Inner {
    tokio::task::yield_now().await;
    script_end(teardown, ("inner", "end of inner"), &log, &script);
    Inner(Value::new("inner", &log))
}

#[provide]
fn outer(#[depends(inner)] _: &Inner, log: State<Log>, script: State<Script>, teardown: Teardown) -> Outer {
    script_end(teardown, ("outer", "end of outer"), &log, &script);
    Outer(Value::new("outer", &log))
}

#[derive(Event)]
struct Asked;

#[on(timeout = "5s")]
async fn work(_: &Asked, #[depends(outer)] _: &Outer, log: State<Log>, script: State<Script>) -> Result<(), String> {
    log.write("work");
    script.act("work").await
}

#[on]
fn work_at_once(_: &Asked, #[depends(outer)] _: &Outer, log: State<Log>, script: State<Script>) -> Result<(), String> {
    log.write("work");
    script.act_at_once("work")
}

#[on(blocking)]
fn block(_: &Asked, #[depends(outer)] _: &Outer, log: State<Log>, script: State<Script>) -> Result<(), String> {
    log.write("work");
    script.act_at_once("work")
}

struct First(#[expect(dead_code, reason = "it is dropped")] Value);
struct Second(#[expect(dead_code, reason = "it is dropped")] Value);

#[provide]
fn first(log: State<Log>, script: State<Script>, teardown: Teardown) -> First {
    script_end(teardown, ("inner", "end of inner"), &log, &script);
    First(Value::new("inner", &log))
}

#[provide]
fn second(#[depends(first)] _: &First, log: State<Log>, script: State<Script>, teardown: Teardown) -> Second {
    script_end(teardown, ("outer", "end of outer"), &log, &script);
    Second(Value::new("outer", &log))
}

#[on(now)]
fn now(_: &Asked, #[depends(second)] _: &Second, log: State<Log>, script: State<Script>) -> Result<(), String> {
    log.write("work");
    script.act_at_once("work")
}

#[on(shutdown, timeout = "5s")]
async fn stop(#[depends(outer)] _: &Outer, log: State<Log>, script: State<Script>) -> Result<(), String> {
    log.write("work");
    script.act("work").await
}

#[on(shutdown)]
async fn stop_in_time(#[depends(outer)] _: &Outer, log: State<Log>, script: State<Script>) -> Result<(), String> {
    log.write("work");
    script.act("work").await
}

#[every("1h")]
async fn tick(#[depends(outer)] _: &Outer, log: State<Log>, script: State<Script>) -> Result<(), String> {
    log.write("work");
    script.act("work").await
}

/// Starts a lifespan with one function.
async fn start<F: 'static, const N: usize>(function: F, lines: [(&'static str, Does); N]) -> (Lifespan, State<Log>) {
    let builder: LifespanBuilder = Lifespan::builder().without_all().with(function);
    support::start_with(builder.state(Script::of(lines))).await
}

/// What one call did that is told to do something, and what became of it.
async fn called<F: 'static, const N: usize>(function: F, lines: [(&'static str, Does); N]) -> (Delivery, Vec<String>) {
    let (app, log) = start(function, lines).await;
    let delivery = app.deliver(Asked).await.expect("accepted");
    app.shutdown().await.expect("from outside");
    (delivery, log.take())
}

fn ended(ending: Ending) -> Vec<String> {
    vec![
        "make inner".into(),
        "make outer".into(),
        "work".into(),
        format!("end outer {ending:?}"),
        "drop outer".into(),
        format!("end inner {ending:?}"),
        "drop inner".into(),
    ]
}

fn dropped() -> [&'static str; 5] {
    ["make inner", "make outer", "work", "drop outer", "drop inner"]
}

#[tokio::test(start_paused = true)]
async fn success_is_told_to_the_last_one_first() {
    let succeeded = |(delivery, log): (Delivery, Vec<String>)| delivery.is_ok() && log == ended(Ending::Succeeded);
    assert!(succeeded(called(work, []).await));
    assert!(succeeded(called(work_at_once, []).await));
    assert!(succeeded(called(block, []).await));
    assert!(succeeded(called(now, []).await));
}

#[tokio::test(start_paused = true)]
async fn an_error_is_told_to_all() {
    let failed = |(delivery, log): (Delivery, Vec<String>)| {
        assert_eq!(log, ended(Ending::Failed));
        delivery.failures()[0].cause().to_string() == "work fails"
    };
    let lines = [("work", Does::Fail)];
    assert!(failed(called(work, lines).await));
    assert!(failed(called(work_at_once, lines).await));
    assert!(failed(called(block, lines).await));
    assert!(failed(called(now, lines).await));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_told_to_all() {
    let failed = |(delivery, log): (Delivery, Vec<String>)| {
        assert_eq!(log, ended(Ending::Failed));
        matches!(delivery.failures()[0].cause(), FailureCause::Panic(text) if text == "work panics")
    };
    let lines = [("work", Does::Panic)];
    assert!(failed(called(work, lines).await));
    assert!(failed(called(work_at_once, lines).await));
    assert!(failed(called(block, lines).await));
    assert!(failed(called(now, lines).await));
}

#[tokio::test(start_paused = true)]
async fn a_time_out_is_told_to_all_and_their_teardown_has_time_of_its_own() {
    let (delivery, log) = called(work, [("work", Does::Hang), ("end of outer", Does::Take(60_000))]).await;
    assert_eq!(log, ended(Ending::Failed));
    let [failure] = delivery.failures() else { panic!("{delivery:?}") };
    assert!(matches!(failure.cause(), FailureCause::Timeout(limit) if *limit == Duration::from_secs(5)), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_forced_end_drops_values_without_teardown() {
    let (app, log) = start(work, [("work", Does::Hang)]).await;
    app.dispatch(Asked).expect("accepted");
    rest().await;
    let report = app.shutdown_within(Duration::ZERO).await.expect("from outside");
    assert_eq!(report.aborted_handlers, ["`providers_ends::work` on `asked`"]);
    assert_eq!(log.take(), dropped());
}

#[tokio::test(start_paused = true)]
async fn a_forced_end_interrupts_a_teardown() {
    let (app, log) = start(work, [("end of outer", Does::Hang)]).await;
    app.dispatch(Asked).expect("accepted");
    rest().await;
    let report = app.shutdown_within(Duration::ZERO).await.expect("from outside");
    assert_eq!(report.aborted_handlers, ["`providers_ends::work` on `asked`"]);
    assert_eq!(log.take(), ["make inner", "make outer", "work", "end outer Succeeded", "drop outer", "drop inner"]);
}

/// Nobody is left to wait for it: the dispatch has answered.
#[tokio::test(start_paused = true)]
async fn a_forced_end_interrupts_the_teardown_of_a_now_handler() {
    let (app, log) = start(now, [("end of outer", Does::Hang)]).await;
    app.dispatch(Asked).expect("accepted");
    rest().await;
    let report = app.shutdown_within(Duration::ZERO).await.expect("from outside");
    assert_eq!(report.unfinished, 0, "{report}");
    assert_eq!(log.take(), ["make inner", "make outer", "work", "end outer Succeeded", "drop outer", "drop inner"]);
}

/// A thread that waits for a provider, and not for the handler's own work, is let go.
#[tokio::test(start_paused = true)]
async fn a_forced_end_interrupts_the_teardown_of_a_blocking_handler() {
    let (app, log) = start(block, [("end of outer", Does::Hang)]).await;
    let delivered = tokio::spawn({
        let app = app.clone();
        async move { app.deliver(Asked).await.expect("accepted") }
    });
    while log.count("end outer Succeeded") == 0 {
        tokio::task::yield_now().await;
    }
    app.shutdown_within(Duration::ZERO).await.expect("from outside");
    let delivery = delivered.await.expect("no panic");
    assert!(matches!(delivery.failures()[0].cause(), FailureCause::Aborted), "{delivery:?}");
    while log.count("drop inner") == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(log.take(), ["make inner", "make outer", "work", "end outer Succeeded", "drop outer", "drop inner"]);
}

#[tokio::test(start_paused = true)]
async fn a_forced_end_drops_the_values_of_a_periodic_run() {
    let (app, log) = start(tick, [("work", Does::Hang)]).await;
    rest().await;
    let report = app.shutdown_within(Duration::ZERO).await.expect("from outside");
    assert_eq!(report.aborted_handlers, ["`providers_ends::tick`"]);
    assert_eq!(log.take(), dropped());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_hook_that_takes_too_long_is_told_to_all() {
    let (app, log) = start(stop, [("work", Does::Hang)]).await;
    let report = app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ended(Ending::Failed));
    let place = place("providers_ends::stop");
    let text = format!("`providers_ends::stop` ({place}) failed: it took longer than its time-out of 5s");
    assert_eq!(report.failed_endings, [text]);

    let (app, log) = start(stop_in_time, [("work", Does::Hang)]).await;
    let report = app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ended(Ending::Failed));
    assert!(report.failed_endings[0].ends_with("it took longer than its time-out of 10s"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_hook_whose_teardown_hangs_does_not_keep_the_shutdown() {
    let (app, log) = start(stop, [("end of outer", Does::Hang)]).await;
    let begun = tokio::time::Instant::now();
    let report = app.shutdown().await.expect("from outside");
    assert_eq!(begun.elapsed().as_secs(), 6, "its time-out, and a second");
    assert_eq!(report.failed_endings.len(), 1);
    assert_eq!(log.take(), ["make inner", "make outer", "work", "end outer Succeeded", "drop outer", "drop inner"]);
}

#[tokio::test(start_paused = true)]
async fn a_teardown_that_fails_is_a_failure_of_the_handler() {
    let place = place("providers_ends::work");
    for (does, cause) in [(Does::Fail, "end of outer fails"), (Does::Panic, "it panicked: end of outer panics")] {
        let (delivery, log) = called(work, [("end of outer", does)]).await;
        assert_eq!(log, ended(Ending::Succeeded), "the others are told what they would have been");
        let [failure] = delivery.failures() else { panic!("{delivery:?}") };
        assert_eq!(
            failure.to_string(),
            format!(
                "`providers_ends::work` ({place}) failed on `asked`: the teardown of provider `providers_ends::outer` \
                 failed: {cause}"
            )
        );
        let FailureCause::Error(error) = failure.cause() else { panic!("{failure}") };
        let error: &ProviderError = error.downcast_ref().expect("it is of a provider");
        assert_eq!(error.provider(), "providers_ends::outer");
        assert_eq!(error.cause().to_string(), cause);
    }
}

#[tokio::test(start_paused = true)]
async fn of_several_failures_the_first_stands() {
    let both = [("end of outer", Does::Fail), ("end of inner", Does::Panic)];
    let (delivery, log) = called(work, both).await;
    assert_eq!(log, ended(Ending::Succeeded));
    let text = "the teardown of provider `providers_ends::outer` failed: end of outer fails";
    assert_eq!(delivery.failures().len(), 1);
    assert_eq!(delivery.failures()[0].cause().to_string(), text);

    let (delivery, log) = called(work, [("work", Does::Fail), both[0], both[1]]).await;
    assert_eq!(log, ended(Ending::Failed));
    assert_eq!(delivery.failures().len(), 1);
    assert_eq!(delivery.failures()[0].cause().to_string(), "work fails");
}

#[tokio::test(start_paused = true)]
async fn what_a_now_handler_leaves_and_fails_is_told() {
    let builder = Lifespan::builder().without_all().with(now).state(Log::default());
    let app = builder.state(Script::of([("end of outer", Does::Fail)])).start_test().await;
    let delivery = app.deliver(Asked).await.expect("accepted");
    assert!(delivery.is_ok(), "the dispatch does not wait for it");
    let report = app.shutdown().await.expect("from outside");
    assert_eq!(report.failed, 1, "{report}");
    let place = place("providers_ends::second");
    let text = format!(
        "`providers_ends::second` ({place}) failed on `asked`: the teardown of provider `providers_ends::second` failed: \
         end of outer fails"
    );
    assert_eq!(app.failures()[0].to_string(), text);
}

/// A value that says at its own time what is to be done at its end.
struct Late(Mutex<Option<Teardown>>);

#[provide]
fn late(teardown: Teardown) -> Late {
    Late(Mutex::new(Some(teardown)))
}

#[derive(Default)]
struct Kept {
    teardown: Mutex<Option<Teardown>>,
}

#[on]
async fn registers(_: &Asked, #[depends(late)] late: &Late, kept: State<Kept>, log: State<Log>, script: State<Script>) {
    let teardown = late.0.lock().expect("no panic").take().expect("it is there");
    if script.act("register").await.is_ok() {
        let value = Value::new("work", &log);
        teardown.register(async move |ending| log.write(format!("end {} {ending:?}", value.name)));
    } else {
        *kept.teardown.lock().expect("no panic") = Some(teardown);
    }
}

#[tokio::test(start_paused = true)]
async fn a_teardown_may_be_registered_by_the_handler_but_not_later() {
    let builder = Lifespan::builder().without_all().with(registers).state(Kept::default());
    let (app, log) = support::start_with(builder.state(Script::default())).await;
    app.deliver(Asked).await.expect("accepted");
    assert_eq!(log.take(), ["make work", "end work Succeeded", "drop work"]);

    script(&app).tell("register", Does::Fail);
    assert!(app.deliver(Asked).await.expect("accepted").is_ok());
    let kept: State<Kept> = app.state().expect("it was given one");
    let teardown = kept.teardown.lock().expect("no panic").take().expect("the handler has kept it");
    let value = Value::new("late work", &log);
    let later = log.clone();
    teardown.register(async move |_| later.write(format!("end {}", value.name)));
    assert_eq!(log.take(), ["make late work", "drop late work"], "it is dropped, and not done");
}

struct Loud(State<Log>, &'static str);

impl Drop for Loud {
    fn drop(&mut self) {
        self.0.write(format!("drop {}", self.1));
        panic!("{} panics at its end", self.1);
    }
}

#[provide]
fn loud(log: State<Log>) -> Loud {
    Loud(log, "loud")
}

struct Louder(#[expect(dead_code, reason = "it is dropped")] Loud);

#[provide]
fn louder(#[depends(loud)] _: &Loud, log: State<Log>, script: State<Script>, teardown: Teardown) -> Louder {
    script_end(teardown, ("louder", "end of louder"), &log, &script);
    Louder(Loud(log, "louder"))
}

#[on]
async fn holds(_: &Asked, #[depends(louder)] _: &Louder, script: State<Script>) -> Result<(), String> {
    script.act("work").await
}

#[tokio::test(start_paused = true)]
async fn a_value_that_panics_at_its_end_stops_no_other_one() {
    let (delivery, log) = called(holds, []).await;
    assert_eq!(log, ["end louder Succeeded", "drop louder", "drop loud"]);
    let text = "the teardown of provider `providers_ends::louder` failed: it panicked: louder panics at its end";
    assert_eq!(delivery.failures()[0].cause().to_string(), text);

    for (hangs, lines) in [("work", 0), ("end of louder", 1)] {
        let (app, log) = start(holds, [(hangs, Does::Hang)]).await;
        app.dispatch(Asked).expect("accepted");
        rest().await;
        let report = app.shutdown_within(Duration::ZERO).await.expect("from outside");
        assert_eq!(report.aborted_handlers, ["`providers_ends::holds` on `asked`"]);
        assert_eq!(log.take()[lines..], ["drop louder", "drop loud"]);
    }
}
