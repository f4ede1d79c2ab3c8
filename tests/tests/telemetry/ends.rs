//! What is told of work that did not come to its end.

use std::time::Duration;

use events::{Envelope, Lifespan, Memory, Sink, SinkError, SinkExt as _, SourceExt as _};
use tokio::runtime;
use tracing_subscriber::filter::LevelFilter;

use crate::measured::{Metrics, assert_idle, number};
use crate::recorder::{Recorder, Span};
use crate::{DishBroken, DishWashed};

/// Takes its time.
struct Slow;

impl Sink for Slow {
    async fn send(&self, _: &Envelope) -> Result<(), SinkError> {
        std::future::pending().await
    }
}

fn aborted(span: &Span) -> bool {
    let told = ["outcome", "error.type", "otel.status_code"].map(|field| span.get(field));
    told == [Some("aborted"), Some("aborted"), Some("ERROR")]
}

/// A runtime of one thread, which ends when it is dropped, whatever there is to do.
fn doomed() -> runtime::Runtime {
    runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime")
}

#[tokio::test(start_paused = true)]
async fn an_attempt_of_a_sink_that_the_end_cuts_off_has_failed() {
    let (recorder, _guard) = Recorder::start(LevelFilter::INFO);
    let metrics = Metrics::start();
    let app = Lifespan::builder().sink("dish-*", Slow.only()).start().await.expect("it starts");
    app.dispatch(DishWashed(1)).expect("it is dispatched");
    tokio::task::yield_now().await;
    app.shutdown_within(Duration::ZERO).await.expect("it ends");
    let [send] = recorder.spans("send").try_into().expect("one attempt");
    assert!(aborted(&send), "{send:?}");
    let series = metrics.read();
    let failed = series.keys().find(|name| name.starts_with("events_sink_sent_total") && name.contains("error"));
    assert_eq!(number(&series, failed.expect("it is counted")), 1);
    let health = app.health();
    assert_eq!(health.sinks()[0].failed_attempts(), 1);
    assert!(
        health.sinks()[0].last_error().is_some_and(|error| error.to_string().contains("forced to end")),
        "{health:?}"
    );
    assert_idle(&series);
}

#[test]
fn what_ends_with_its_runtime_is_told_of() {
    let (recorder, _guard) = Recorder::start(LevelFilter::INFO);
    let metrics = Metrics::start();
    let runtime = doomed();
    let app = runtime.block_on(async {
        let app = Lifespan::builder().sink("dish-washed", Slow.only()).start().await.expect("it starts");
        app.dispatch(DishWashed(1)).expect("it is dispatched");
        app.dispatch(DishBroken { how: "timeout".into() }).expect("it is dispatched");
        tokio::task::yield_now().await;
        app
    });
    drop(runtime);
    let deliveries = recorder.spans("delivery");
    let of = |event| deliveries.iter().find(|span| span.get("event") == Some(event));
    assert!(aborted(of("dish-broken").expect("it has ended")), "{deliveries:?}");
    assert!(recorder.spans("send").iter().all(aborted));
    assert!(recorder.spans("handler").iter().all(aborted));
    assert_idle(&metrics.read());
    drop(app);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_the_end_cuts_off_says_so() {
    let (recorder, _guard) = Recorder::start(LevelFilter::INFO);
    let app = Lifespan::builder().start().await.expect("it starts");
    app.dispatch(DishBroken { how: "timeout".into() }).expect("it is dispatched");
    tokio::task::yield_now().await;
    app.shutdown_within(Duration::ZERO).await.expect("it ends");
    let [delivery] = recorder.spans("delivery").try_into().expect("one event");
    assert!(aborted(&delivery), "{delivery:?}");
}

#[tokio::test]
async fn a_source_is_not_connected_when_its_lifespan_has_ended() {
    let metrics = Metrics::start();
    let memory = Memory::new();
    let app = Lifespan::builder().source(memory.source("plates")).start().await.expect("it starts");
    while !app.health().is_ready() {
        tokio::task::yield_now().await;
    }
    app.shutdown().await.expect("it ends");
    let health = app.health();
    assert!(!health.sources()[0].is_connected() && health.sources()[0].last_error().is_none(), "{health:?}");
    assert_eq!(number(&metrics.read(), "events_source_connected{source=memory/plates}"), 0);
}

#[test]
fn a_source_is_not_connected_when_its_runtime_has_ended() {
    let metrics = Metrics::start();
    let runtime = doomed();
    let memory = Memory::new();
    let app = runtime.block_on(async {
        let app = Lifespan::builder().source(memory.source("plates")).start().await.expect("it starts");
        while !app.health().is_ready() {
            tokio::task::yield_now().await;
        }
        app
    });
    assert_eq!(number(&metrics.read(), "events_source_connected{source=memory/plates}"), 1);
    drop(runtime);
    assert!(!app.health().sources()[0].is_connected());
    assert_eq!(number(&metrics.read(), "events_source_connected{source=memory/plates}"), 0);
}

#[tokio::test]
async fn connections_with_one_label_are_counted() {
    let metrics = Metrics::start();
    let connected = || number(&metrics.read(), "events_source_connected{source=memory/plates}");
    // Two brokers, which are called alike.
    let (one, two) = (Memory::new(), Memory::new());
    let pauses = Duration::from_millis(1)..=Duration::from_millis(1);
    let first = Lifespan::builder().source(one.source("plates").backoff(pauses.clone()));
    let first = first.source(two.source("plates").backoff(pauses)).start().await.expect("it starts");
    let second = Lifespan::builder().source(one.source("plates")).start().await.expect("it starts");
    let until = async |count| {
        while connected() != count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    until(3).await;
    two.interrupt();
    until(2).await;
    two.restore();
    until(3).await;
    second.shutdown().await.expect("it ends");
    assert_eq!(connected(), 2);
    first.shutdown().await.expect("it ends");
    assert_eq!(connected(), 0);
}
