//! Dispatch that is disabled: events are checked as ever, then dropped. What the environment says is tested by children,
//! which are this very binary with the variable set.

mod support;

use std::ffi::OsStr;
use std::fmt::{Debug, Display};
use std::process::Command;
use std::time::Duration;

use events::{
    AnyEvent, DispatchError, Emit, Event, Lifespan, LifespanBuilder, State, deliver, dispatch, dispatch_named,
    dispatch_named_version, dispatch_unchecked, every, on,
};
use serde::Deserialize;
use support::Log;
use validator::Validate;

#[derive(Event, Deserialize, Validate)]
struct CatFed {
    #[validate(range(min = 1))]
    fish: u32,
}

#[derive(Event)]
struct Opaque;

#[on(now)]
fn watch(event: &CatFed, log: State<Log>) {
    log.write(format!("watch {}", event.fish));
}

#[on]
async fn eat(event: &CatFed, log: State<Log>) {
    log.write(format!("eat {}", event.fish));
}

#[on("*", order = 1)]
fn audit(event: &AnyEvent, log: State<Log>) {
    log.write(format!("audit {}", event.name()));
}

/// A lifespan without hooks, and its log.
async fn start(builder: LifespanBuilder) -> (Lifespan, State<Log>) {
    support::start_with(builder.without_group("hooks")).await
}

async fn start_disabled() -> (Lifespan, State<Log>) {
    start(Lifespan::builder().disable_dispatch(true)).await
}

/// What every way of dispatching answers to what can be accepted, outside of a lifespan as inside.
async fn answers_to_good_events() -> [String; 6] {
    [
        said(dispatch(CatFed { fish: 1 })),
        said(dispatch_named("cat-fed", r#"{"fish":2}"#)),
        said(dispatch_named("unheard-of", "[3]")),
        said(dispatch_named_version("cat-fed", 1, r#"{"fish":3}"#)),
        said(dispatch_unchecked(CatFed { fish: 0 })),
        said(deliver(CatFed { fish: 4 }).await.map(|delivery| delivery.handlers())),
    ]
}

/// What they answer to what cannot.
async fn answers_to_bad_events() -> [String; 8] {
    [
        said(dispatch(CatFed { fish: 0 })),
        said(dispatch_named("cat-fed", r#"{"fish":0}"#)),
        said(dispatch_named("cat-fed", r#"{"fish":"two"}"#)),
        said(dispatch_named("unheard-of", "[3")),
        said(dispatch_named("cat-*", "{}")),
        said(dispatch_named("opaque", "null")),
        said(dispatch_named_version("cat-fed", 2, r#"{"fish":2}"#)),
        said(deliver(CatFed { fish: 0 }).await),
    ]
}

fn said<T: Debug>(result: Result<T, impl Display>) -> String {
    result.map_or_else(|error| error.to_string(), |value| format!("{value:?}"))
}

const DROPPED: [&str; 6] = ["()", "()", "()", "()", "()", "0"];

const REFUSED: [&str; 8] = [
    "`cat-fed` is invalid: `fish`: must be at least 1, got 0 (range)",
    "`cat-fed` is invalid: `fish`: must be at least 1, got 0 (range)",
    "the payload of `cat-fed` does not fit: at `fish`: invalid type: string \"two\", expected u32 at line 1 column 13",
    "the payload of `unheard-of` does not fit: EOF while parsing a list at line 1 column 2",
    "`cat-*` cannot be dispatched: an event name must not contain `*`, `?`, `[` or `]`, which mean something in patterns",
    "`opaque` cannot be dispatched by name: derive `serde::Deserialize` for its type `Opaque`",
    "`cat-fed` is in version 2, and this binary reads version 1 alone",
    "`cat-fed` is invalid: `fish`: must be at least 1, got 0 (range)",
];

#[tokio::test]
async fn good_events_are_dropped() {
    let (app, log) = start_disabled().await;
    assert_eq!(app.scope(answers_to_good_events()).await, DROPPED);
    app.dispatch(CatFed { fish: 5 }).expect("it is dropped");
    app.dispatch_named("cat-fed", r#"{"fish":6}"#).expect("it is dropped");
    assert_eq!(app.deliver(CatFed { fish: 7 }).await.expect("it is dropped").handlers(), 0);
    let report = app.shutdown().await.expect("from outside");
    assert_eq!((report.delivered, report.failed), (0, 0));
    assert_eq!(log.take(), [""; 0], "not even the `now` handler ran");
}

#[tokio::test]
async fn the_same_events_are_delivered_otherwise() {
    let (app, log) = start(Lifespan::builder().disable_dispatch(false)).await;
    assert_eq!(app.scope(answers_to_good_events()).await, ["()", "()", "()", "()", "()", "3"]);
    assert_eq!((log.count("watch 1"), log.count("eat 2"), log.count("audit unheard-of")), (1, 1, 1));
    assert_eq!(app.shutdown().await.expect("from outside").delivered, 6);
}

#[tokio::test]
async fn bad_events_are_refused_all_the_same() {
    let (app, _) = start_disabled().await;
    assert_eq!(app.scope(answers_to_bad_events()).await, REFUSED);
    app.shutdown().await.expect("from outside");
    assert!(matches!(app.dispatch(Opaque), Err(DispatchError::Closed { .. })));
    assert!(matches!(app.deliver(Opaque).await, Err(DispatchError::Closed { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_outlives_its_lifespan_is_refused_all_the_same() {
    let (app, _) = start_disabled().await;
    let (ended, end) = tokio::sync::oneshot::channel();
    let scope = app.scope(async {
        end.await.expect("the lifespan ends");
        dispatch(Opaque)
    });
    let (late, ()) = tokio::join!(scope, async {
        app.abort();
        app.shutdown().await.expect("from outside");
        ended.send(()).expect("the scope waits");
    });
    assert!(matches!(late, Err(DispatchError::Closed { .. })));
}

#[tokio::test]
async fn what_is_dropped_takes_no_room() {
    let (app, _) = start(Lifespan::builder().max_pending(1)).await;
    let scope = app.scope(async {
        dispatch(Opaque).expect("there is room for one");
        assert!(matches!(dispatch(Opaque), Err(DispatchError::Full { .. })));
        app.disable_dispatch(true);
        dispatch(Opaque).expect("it is dropped");
    });
    scope.await;
    assert_eq!(app.shutdown().await.expect("from outside").delivered, 1);
}

#[tokio::test]
async fn the_switch_can_be_turned_while_the_lifespan_runs() {
    let (app, log) = start(Lifespan::builder()).await;
    assert!(!app.is_dispatch_disabled());
    app.scope(async {
        dispatch(CatFed { fish: 1 }).expect("accepted");
        app.disable_dispatch(true);
        assert!(app.is_dispatch_disabled());
        dispatch(CatFed { fish: 2 }).expect("it is dropped");
    })
    .await;
    assert_eq!(log.take(), ["watch 1", "eat 1", "audit cat-fed"], "what was accepted before is delivered");

    app.disable_dispatch(false);
    assert_eq!(app.deliver(CatFed { fish: 3 }).await.expect("accepted").handlers(), 3);
    app.shutdown().await.expect("from outside");
}

/// Asks its handler to dispatch in every way, disabled or not.
#[derive(Event)]
struct Turned(bool);

#[on]
fn turn(event: &Turned, app: Lifespan, emit: Emit<CatFed>) -> Result<CatFed, DispatchError> {
    app.disable_dispatch(event.0);
    emit.dispatch(CatFed { fish: 1 })?;
    dispatch_named("cat-fed", r#"{"fish":2}"#)?;
    Ok(CatFed { fish: 3 })
}

#[tokio::test]
async fn what_handlers_emit_is_dropped_too() {
    for (disabled, delivered) in [(true, 1), (false, 4)] {
        let (app, _) = start(Lifespan::builder()).await;
        app.dispatch(Turned(disabled)).expect("accepted");
        let report = app.shutdown().await.expect("from outside");
        assert_eq!((report.delivered, report.failed), (delivered, 0));
    }
}

#[tokio::test]
async fn what_is_dropped_is_not_too_deep() {
    for (disabled, failed) in [(true, 0), (false, 1)] {
        let (app, _) = start(Lifespan::builder().max_hops(0)).await;
        app.dispatch(Turned(disabled)).expect("accepted");
        assert_eq!(app.shutdown().await.expect("from outside").failed, failed);
    }
}

#[on(startup, group = "hooks")]
fn begin(log: State<Log>) -> CatFed {
    log.write("begin");
    CatFed { fish: 1 }
}

#[every("5s", group = "hooks")]
fn tick(log: State<Log>) -> CatFed {
    log.write("tick");
    CatFed { fish: 2 }
}

#[on(shutdown, group = "hooks")]
fn end(log: State<Log>) -> CatFed {
    log.write("end");
    CatFed { fish: 3 }
}

#[tokio::test(start_paused = true)]
async fn hooks_and_periodic_functions_run_and_their_events_are_dropped() {
    let (app, log) = support::start_with(Lifespan::builder().disable_dispatch(true)).await;
    tokio::time::sleep(Duration::from_secs(7)).await;
    let report = app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["begin", "tick", "tick", "end"]);
    assert_eq!((report.delivered, report.failed), (0, 0));
}

/// Lifespans do not share the switch.
#[tokio::test]
async fn another_lifespan_is_not_disabled() {
    let (disabled, _) = start_disabled().await;
    let (app, log) = start(Lifespan::builder()).await;
    disabled.scope(async { app.dispatch(CatFed { fish: 1 }) }).await.expect("accepted");
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["watch 1", "eat 1", "audit cat-fed"]);
    disabled.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn outside_of_a_lifespan_events_are_refused_where_nothing_is_set() {
    let no_lifespan = answers_to_good_events().await;
    assert!(no_lifespan.iter().all(|answer| answer.contains("outside of a lifespan")), "{no_lifespan:?}");
}

/// Says to the child what to do; unset in the tests themselves.
const PLAN: &str = "EVENTS_TEST_PLAN";
const VARIABLE: &str = "EVENTS_DISABLE_DISPATCH";
const WARNING: &str =
    "dispatch is disabled, by code or by `EVENTS_DISABLE_DISPATCH`: events are checked, then dropped\n";

/// The child's program, which is a test of no interest where it is no child. It answers on standard error, where the test
/// harness writes nothing.
#[test]
fn child() {
    let Ok(plan) = std::env::var(PLAN) else { return };
    tracing::subscriber::set_global_default(Printing).expect("it is the first");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let builder = || Lifespan::builder().state(Log::default());
        let started =
            async |builder: LifespanBuilder| said(builder.start().await.map(|app| app.is_dispatch_disabled()));
        match plan.as_str() {
            "start" => eprintln!("{}", started(builder()).await),
            "decide" => {
                for disabled in [false, true] {
                    eprintln!("{}", started(builder().disable_dispatch(disabled)).await);
                }
            }
            "outside" => {
                for answer in answers_to_good_events().await.iter().chain(&answers_to_bad_events().await) {
                    eprintln!("{answer}");
                }
            }
            _ => panic!("no such plan"),
        }
    });
    std::process::exit(0);
}

/// Prints warnings of the start, and nothing else.
struct Printing;

impl tracing::Subscriber for Printing {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "events" && *metadata.level() == tracing::Level::WARN
    }

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut |field: &tracing::field::Field, value: &dyn Debug| {
            let text = format!("{value:?}");
            if field.name() == "message" && text.starts_with("dispatch") {
                eprintln!("{text}");
            }
        });
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

/// What a child answers where the variable holds `value`.
fn answer(plan: &str, value: impl AsRef<OsStr>) -> String {
    answered(plan, |child| child.env(VARIABLE, value))
}

fn answered(plan: &str, environment: impl FnOnce(&mut Command) -> &mut Command) -> String {
    let mut child = Command::new(std::env::current_exe().expect("it runs"));
    child.args(["--exact", "child", "--nocapture", "--test-threads=1"]).env(PLAN, plan);
    let output = environment(&mut child).output().expect("it starts");
    let answer = String::from_utf8(output.stderr).expect("it prints text");
    assert!(output.status.success(), "{answer}");
    answer
}

fn start_error(held: &str) -> String {
    format!(
        "the lifespan cannot start:\n  - the environment variable `EVENTS_DISABLE_DISPATCH` holds `{held}`, which says \
         neither yes nor no: set it to one of `1`, `true`, `yes`, `on`, `y`, `t` to drop events, to one of `0`, `false`, \
         `no`, `off`, `n`, `f` to deliver them, or unset it\n"
    )
}

#[test]
fn the_environment_decides() {
    for word in ["1", "true", "yes", "on", "y", "t", "TRUE", "Yes", "oN", "T", " 1", "yes ", "\t\ttrue\n"] {
        assert_eq!(answer("start", word), format!("{WARNING}true\n"), "{word:?}");
    }
    for word in ["0", "false", "no", "off", "n", "f", "FALSE", "No", "oFF", "N", " 0", "no ", "\u{a0}false\r\n"] {
        assert_eq!(answer("start", word), "false\n", "{word:?}");
    }
    assert_eq!(answered("start", |child| child.env_remove(VARIABLE)), "false\n");
}

#[test]
fn another_value_is_a_start_error() {
    for (value, held) in [
        ("", ""),
        ("  ", "  "),
        ("maybe", "maybe"),
        ("10", "10"),
        ("tru", "tru"),
        ("y y", "y y"),
        ("a\n\u{1b}", "a\\n\\u{1b}"),
    ] {
        assert_eq!(answer("start", value), start_error(held), "{value:?}");
    }
    let long = "ü".repeat(10_000);
    assert_eq!(answer("start", long), start_error(&format!("{}.. (20000 bytes)", "ü".repeat(32))));
}

#[cfg(unix)]
#[test]
fn a_value_that_is_no_text_is_a_start_error() {
    use std::os::unix::ffi::OsStrExt as _;
    assert_eq!(answer("start", OsStr::from_bytes(b"1\xff")), start_error("1\u{fffd}"));
}

#[test]
fn code_decides_before_the_environment() {
    for value in ["1", "0", "maybe"] {
        assert_eq!(answer("decide", value), format!("false\n{WARNING}true\n"), "{value}");
    }
}

#[test]
fn outside_of_a_lifespan_the_environment_is_asked() {
    let lines = |value| answer("outside", value).lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(" Yes"), [&DROPPED[..], &REFUSED[..]].concat());
    for value in ["no", "maybe"] {
        let lines = lines(value);
        assert_eq!(lines.len(), DROPPED.len() + REFUSED.len());
        assert!(lines.iter().all(|answer| answer.contains("outside of a lifespan")), "{value}: {lines:?}");
    }
}
