//! Spans of `tracing`.

use std::time::Duration;

use events::{Lifespan, Memory, SinkExt as _, SourceExt as _, dispatch};
use tracing::{Instrument as _, Level, info_span};
use tracing_subscriber::filter::LevelFilter;

use crate::recorder::{Recorder, Span};
use crate::{CatFed, DishBroken, DishWashed};

async fn started() -> Lifespan {
    Lifespan::builder().start().await.expect("it starts")
}

#[tokio::test]
async fn an_event_is_followed_from_its_dispatch_to_its_last_handler() {
    let (recorder, _guard) = Recorder::start(LevelFilter::DEBUG);
    let app = started().await;
    let request = info_span!("request");
    app.scope(async { dispatch(CatFed { fish: 9 }) }).instrument(request).await.expect("it is dispatched");
    app.shutdown().await.expect("it ends");

    let dispatched = recorder.spans("dispatch");
    let [dispatch, chained] = dispatched.as_slice() else { panic!("{dispatched:?}") };
    assert_eq!((dispatch.get("event"), dispatch.get("outcome")), (Some("cat-fed"), Some("ok")));
    assert_eq!(
        (dispatch.target, dispatch.level, &*dispatch.around),
        ("events", Level::INFO, &["request", "scope"][..])
    );
    assert_eq!(chained.around, ["request", "scope", "delivery", "handler"]);

    let deliveries = recorder.spans("delivery");
    let of = |event| deliveries.iter().find(|span| span.get("event") == Some(event)).expect("it was delivered");
    let (fed, slept) = (of("cat-fed"), of("cat-slept"));
    assert_eq!((fed.get("id"), fed.get("cause"), fed.get("outcome")), (dispatch.get("id"), None, Some("ok")));
    assert_eq!(fed.around, ["request", "scope"], "the scope waits for it");
    assert_eq!(slept.get("cause"), fed.get("id"));
    assert_eq!(slept.around, [""; 0], "nobody waits for what is chained, and it keeps no span open");

    let handlers = recorder.spans("handler");
    let of = |name: &str| handlers.iter().find(|span| span.get("handler") == Some(name)).expect("it ran");
    assert_eq!(of("telemetry::notice").around, ["request", "scope", "dispatch"]);
    assert_eq!(of("telemetry::digest").around, ["request", "scope", "delivery"]);
    assert_eq!(of("telemetry::dream").around, ["delivery"]);
    assert!(handlers.iter().all(|span| span.get("outcome") == Some("ok") && span.get("error.type").is_none()));

    let [scope] = recorder.spans("scope").try_into().expect("one scope");
    let Span { fields, .. } = &scope;
    assert_eq!(fields["scope"], "1");
    assert!(dispatch.get("id").is_some_and(|id| id.starts_with(&fields["lifespan"])));
}

#[tokio::test]
async fn lines_of_handlers_stand_in_their_spans() {
    let (recorder, _guard) = Recorder::start(LevelFilter::INFO);
    let app = started().await;
    app.scope(async { dispatch(CatFed { fish: 2 }) }).await.expect("it is dispatched");
    app.shutdown().await.expect("it ends");
    let lines: Vec<_> = recorder.lines().into_iter().map(|line| (line.text, line.around)).collect();
    let expected = [
        ("noticed".to_owned(), vec!["scope", "dispatch", "handler"]),
        ("digesting".to_owned(), vec!["scope", "delivery", "handler"]),
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_healthy_service_is_quiet() {
    let (recorder, _guard) = Recorder::start(LevelFilter::DEBUG);
    let memory = Memory::new();
    memory.bind("dishes", "*");
    let app = Lifespan::builder().sink("cat-*", memory.sink()).source(memory.source("dishes"));
    let app = app.start().await.expect("it starts");
    for fish in 0..7 {
        app.scope(async { dispatch(CatFed { fish }) }).await.expect("it is dispatched");
    }
    app.shutdown().await.expect("it ends");
    let of_handlers = ["noticed", "digesting", "dreaming"];
    let own: Vec<_> = recorder.lines().into_iter().filter(|line| !of_handlers.contains(&&*line.text)).collect();
    assert!(own.is_empty(), "{own:?}");
}

#[tokio::test(start_paused = true)]
async fn outcomes_are_few_words() {
    let (recorder, _guard) = Recorder::start(LevelFilter::INFO);
    let app = started().await;
    for how in ["error", "panic", "timeout", "fine"] {
        app.scope(async { dispatch(DishBroken { how: how.into() }) }).await.expect("it is dispatched");
    }
    let told = |span: &Span| (span.fields["outcome"].clone(), span.get("error.type").map(ToOwned::to_owned));
    let handlers: Vec<_> = recorder.spans("handler").iter().map(told).collect();
    let failed = |kind: &str| (kind.to_owned(), Some(kind.to_owned()));
    let ok = || ("ok".to_owned(), None);
    assert_eq!(handlers, [failed("error"), failed("panic"), failed("timeout"), ok()]);
    let deliveries: Vec<_> = recorder.spans("delivery").iter().map(told).collect();
    assert_eq!(deliveries, [failed("failed"), failed("failed"), failed("failed"), ok()]);
    assert!(recorder.spans("handler")[0].get("otel.status_code") == Some("ERROR"));

    let refused = app.scope(async { dispatch(CatFed { fish: 11 }) }).await;
    assert!(refused.is_err());
    let dispatches = recorder.spans("dispatch");
    assert_eq!(dispatches.last().map(told), Some(failed("invalid")));

    app.dispatch(DishBroken { how: "timeout".into() }).expect("it is dispatched");
    tokio::task::yield_now().await;
    app.shutdown_within(Duration::ZERO).await.expect("it ends");
    assert_eq!(recorder.spans("handler").last().map(told), Some(failed("aborted")));
}

#[tokio::test]
async fn failures_are_told_inside_of_their_scope() {
    let (recorder, _guard) = Recorder::start(LevelFilter::INFO);
    let app = started().await;
    app.scope(async { dispatch(DishBroken { how: "error".into() }) }).await.expect("it is dispatched");
    let [line] = recorder.lines().try_into().expect("one line");
    assert_eq!(
        (line.level, &*line.text, &*line.around),
        (Level::ERROR, "a handler failed", &["scope", "delivery"][..])
    );
    app.shutdown().await.expect("it ends");
}

#[tokio::test]
async fn a_batch_has_one_span() {
    let (recorder, _guard) = Recorder::start(LevelFilter::INFO);
    let app = started().await;
    app.scope(async { (0..3).try_for_each(|dish| dispatch(DishWashed(dish))) }).await.expect("they are dispatched");
    app.shutdown().await.expect("it ends");
    let [batch] = recorder.spans("handler").try_into().expect("one run");
    assert_eq!((batch.get("handler"), batch.get("batch")), (Some("telemetry::dry"), Some("3")));
}

#[tokio::test]
async fn messages_and_sinks_have_spans() {
    let (recorder, _guard) = Recorder::start(LevelFilter::DEBUG);
    let memory = Memory::new();
    memory.bind("plates", "*");
    let kitchen = Lifespan::builder().sink("dish-*", memory.sink().only()).start().await.expect("it starts");
    kitchen.scope(async { dispatch(DishBroken { how: "error".into() }) }).await.expect("it is dispatched");
    kitchen.shutdown().await.expect("it ends");
    let [send] = recorder.spans("send").try_into().expect("one attempt");
    let told = [send.get("sink"), send.get("events"), send.get("attempt"), send.get("outcome")];
    assert_eq!(told, [Some("memory"), Some("1"), Some("1"), Some("ok")]);

    let plates = memory.source("plates").on_failure(events::Settlement::Reject);
    let cellar = Lifespan::builder().source(plates).start().await.expect("it starts");
    while memory.take_rejected("plates").is_empty() {
        tokio::task::yield_now().await;
    }
    cellar.shutdown().await.expect("it ends");
    let [process] = recorder.spans("process").try_into().expect("one message");
    assert_eq!((process.get("source"), process.get("outcome")), (Some("memory/plates"), Some("failed")));
    let [settle] = recorder.spans("settle").try_into().expect("one settlement");
    assert_eq!(
        (settle.level, settle.get("settlement"), settle.get("outcome")),
        (Level::DEBUG, Some("reject"), Some("ok"))
    );
    assert_eq!(recorder.spans("handler")[0].around, ["process", "delivery"]);
}

#[tokio::test]
async fn nobody_looks_and_nothing_is_made() {
    let (recorder, _guard) = Recorder::start(LevelFilter::WARN);
    let app = started().await;
    app.scope(async { dispatch(CatFed { fish: 9 }) }).await.expect("it is dispatched");
    app.shutdown().await.expect("it ends");
    assert_eq!(recorder.names(), [""; 0]);
}
