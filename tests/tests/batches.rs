//! Handlers that take several events at a time.

mod support;

use std::time::Duration;

use events::{
    Batch, Emit, Event, Failure, FailureCause, Lifespan, LifespanBuilder, Memory, Message, SourceExt as _, State,
    dispatch, on,
};
use serde::Deserialize;
use support::Log;
use support::logged::Logged;
use tokio::time::{Instant, sleep};

#[derive(Clone, Debug, Event, Deserialize)]
struct Measured {
    value: u32,
}

#[derive(Debug, Event)]
struct Stored(usize);

#[on(batch = 3, within = "500ms")]
async fn store(
    batch: Batch<Measured>,
    emit: Emit<Stored>,
    log: State<Log>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let values: Vec<_> = batch.iter().map(|event| event.value).collect();
    log.write(format!("store {values:?}"));
    tokio::task::yield_now().await;
    emit.dispatch(Stored(batch.len()))?;
    for item in batch.items().filter(|item| item.value == 7) {
        item.mark().reject();
    }
    if values.contains(&13) { Err("no 13".into()) } else { Ok(()) }
}

#[on]
fn stored(event: &Stored, log: State<Log>) {
    log.write(format!("stored {}", event.0));
}

#[on]
fn each(event: &Measured, log: State<Log>) {
    log.write(format!("each {}", event.value));
}

#[on(failure)]
fn failed(failure: &Failure, log: State<Log>) {
    log.write(format!("failure {}", failure.cause()));
}

async fn start(builder: LifespanBuilder) -> (Lifespan, State<Log>) {
    support::start_with(builder).await
}

async fn measure(app: &Lifespan, values: impl IntoIterator<Item = u32>) {
    let work = async {
        for value in values {
            dispatch(Measured { value }).expect("accepted");
        }
    };
    app.scope(work).await;
}

fn batches(log: &Log) -> Vec<String> {
    log.take().into_iter().filter(|line| line.starts_with("store ")).collect()
}

fn put(memory: &Memory, queue: &str, values: impl IntoIterator<Item = u32>) {
    for value in values {
        let message = Message { body: format!(r#"{{"value":{value}}}"#).into(), ..Message::default() };
        memory.put(queue, message).expect("there is room");
    }
}

async fn drained(memory: &Memory, queue: &str) {
    while memory.len(queue) > 0 {
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_full_or_old_and_never_empty() {
    let (app, log) = start(Lifespan::builder()).await;
    let begun = Instant::now();
    measure(&app, [1, 2, 3, 4, 5, 6]).await;
    assert_eq!(begun.elapsed(), Duration::ZERO, "two are full");
    assert_eq!(batches(&log), ["store [1, 2, 3]", "store [4, 5, 6]"]);
    measure(&app, [7]).await;
    assert!((500..=501).contains(&begun.elapsed().as_millis()), "the scope waits for its batch: {:?}", begun.elapsed());
    assert_eq!(batches(&log), ["store [7]"]);
    sleep(Duration::from_mins(1)).await;
    assert_eq!(batches(&log), [""; 0]);
    app.shutdown().await.expect("from outside");
}

#[tokio::test(start_paused = true)]
async fn the_age_is_that_of_the_oldest_and_scopes_fill_batches_together() {
    let (app, log) = start(Lifespan::builder()).await;
    app.dispatch(Measured { value: 1 }).expect("accepted");
    sleep(Duration::from_millis(400)).await;
    app.dispatch(Measured { value: 2 }).expect("accepted");
    sleep(Duration::from_millis(99)).await;
    assert_eq!(batches(&log), [""; 0]);
    sleep(Duration::from_millis(3)).await;
    assert_eq!(batches(&log), ["store [1, 2]"]);
    app.dispatch(Measured { value: 3 }).expect("accepted");
    sleep(Duration::from_millis(490)).await;
    assert_eq!(batches(&log), [""; 0], "a new batch is as old as its own events");
    app.shutdown().await.expect("from outside");
    assert_eq!(batches(&log), ["store [3]"]);
}

#[tokio::test(start_paused = true)]
async fn the_end_flushes_at_once() {
    let (app, log) = start(Lifespan::builder()).await;
    app.dispatch(Measured { value: 1 }).expect("accepted");
    app.dispatch(Measured { value: 2 }).expect("accepted");
    let begun = Instant::now();
    let report = app.shutdown().await.expect("from outside");
    assert_eq!((begun.elapsed(), report.delivered), (Duration::ZERO, 3), "{report}");
    assert_eq!(log.take(), ["each 1", "each 2", "store [1, 2]", "stored 2"]);
}

#[tokio::test(start_paused = true)]
async fn one_failure_tells_of_a_batch_and_each_delivery_has_its_own() {
    let (app, log) = start(Lifespan::builder()).await;
    let [first, second, third] = [1, 13, 2].map(|value| {
        let app = app.clone();
        tokio::spawn(async move { app.deliver(Measured { value }).await.expect("accepted") })
    });
    let deliveries = [first.await, second.await, third.await].map(|delivery| delivery.expect("no panic"));
    let causes: Vec<_> = deliveries.iter().map(|delivery| delivery.failures()[0].cause().to_string()).collect();
    assert_eq!(causes, ["no 13", "its batch failed: no 13", "its batch failed: no 13"]);
    assert!(matches!(deliveries[1].failures()[0].cause(), FailureCause::InBatch(_)));
    let report = app.shutdown().await.expect("from outside");
    assert_eq!((report.failed, log.count("failure no 13")), (1, 1), "{report}");
}

#[tokio::test(start_paused = true)]
async fn each_message_of_a_batch_is_settled_for_itself() {
    let memory = Memory::new();
    put(&memory, "values", 6..=8);
    let (app, log) = start(Lifespan::builder().source(memory.source("values").named("measured"))).await;
    sleep(Duration::from_millis(10)).await;
    app.shutdown().await.expect("from outside");
    assert_eq!(batches(&log), ["store [6, 7, 8]"]);
    let rejected: Vec<_> = memory.take_rejected("values").into_iter().map(|message| message.body).collect();
    assert_eq!((rejected, memory.len("values")), (vec![br#"{"value":7}"#.to_vec()], 0));
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_no_larger_than_what_a_source_has_under_way() {
    let memory = Memory::new();
    put(&memory, "values", 1..=4);
    let source = memory.source("values").named("measured").prefetch(2);
    let begun = Instant::now();
    let (app, log) = start(Lifespan::builder().source(source)).await;
    drained(&memory, "values").await;
    assert!(begun.elapsed() < Duration::from_millis(100), "nobody waits for the third: {:?}", begun.elapsed());
    app.shutdown().await.expect("from outside");
    assert_eq!(batches(&log), ["store [1, 2]", "store [3, 4]"]);
}

#[tokio::test(start_paused = true)]
async fn a_source_of_other_events_leaves_batches_as_they_are() {
    let memory = Memory::new();
    put(&memory, "values", 1..=3);
    let builder = Lifespan::builder()
        .source(memory.source("values").named("measured"))
        .source(memory.source("others").named("stopped").prefetch(1));
    let begun = Instant::now();
    let (app, log) = start(builder).await;
    drained(&memory, "values").await;
    measure(&app, [4, 5, 6]).await;
    assert!(begun.elapsed() < Duration::from_millis(100), "{:?}", begun.elapsed());
    app.shutdown().await.expect("from outside");
    assert_eq!(batches(&log), ["store [1, 2, 3]", "store [4, 5, 6]"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_waits_for_no_more_than_its_sources_lend() {
    let memory = Memory::new();
    let builder = Lifespan::builder()
        .source(memory.source("few").named("measured").concurrency(2))
        .source(memory.source("many").named("measured"));
    let (app, log) = start(builder).await;
    for (queue, values, expected) in
        [("few", 1..=4, &["store [1, 2]", "store [3, 4]"][..]), ("many", 1..=3, &["store [1, 2, 3]"])]
    {
        let begun = Instant::now();
        put(&memory, queue, values);
        drained(&memory, queue).await;
        assert!(begun.elapsed() < Duration::from_millis(100), "{queue}: {:?}", begun.elapsed());
        assert_eq!(batches(&log), expected, "{queue}");
    }
    // Who brings one and could bring another waits for it, or for anybody's.
    put(&memory, "few", 1..=1);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(batches(&log), [""; 0]);
    measure(&app, [2, 3]).await;
    assert_eq!(batches(&log), ["store [1, 2, 3]"]);
    measure(&app, [4, 5, 6]).await;
    assert_eq!(batches(&log), ["store [4, 5, 6]"]);
    app.shutdown().await.expect("from outside");
}

#[tokio::test(start_paused = true)]
async fn the_start_warns_once_of_a_source_that_makes_batches_small() {
    let memory = Memory::new();
    let named = |queue, name| memory.source(queue).named(name).prefetch(2);
    for (sources, warnings) in [
        (vec![named("values", "measured"), named("more", "measured").concurrency(1)], 1),
        (vec![named("others", "stored")], 0),
        (vec![named("values", "measured").prefetch(3)], 0),
        // All three handlers of batches may get what comes from it, and one is content with two.
        (vec![memory.source("any").prefetch(2)], 2),
    ] {
        let (logged, guard) = Logged::here();
        let (app, _) = start(sources.into_iter().fold(Lifespan::builder(), LifespanBuilder::source)).await;
        drop(guard);
        app.shutdown().await.expect("from outside");
        let text = logged.take();
        assert_eq!(text.matches("batches may be smaller than the handler asks for").count(), warnings, "{text}");
        if warnings == 1 {
            assert!(text.contains("batch 3\nsource \"memory/more\"\nmost 1"), "the smallest: {text}");
        }
    }
}

#[derive(Event)]
struct Slow(u32);

#[on(batch = 2, within = "1s", concurrency = 2, timeout = "10s")]
async fn slow(batch: Batch<Slow>, log: State<Log>) {
    let first = batch.items().next().expect("at least one").0;
    log.write(format!("begin {first}"));
    sleep(Duration::from_secs(if first == 9 { 60 } else { 5 })).await;
    log.write(format!("end {first}"));
}

#[tokio::test(start_paused = true)]
async fn batches_of_one_handler_overlap_up_to_their_limit() {
    let (app, log) = start(Lifespan::builder()).await;
    for number in 1..=6 {
        app.dispatch(Slow(number)).expect("accepted");
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(log.take(), ["begin 1", "begin 3"]);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(log.take(), ["end 1", "end 3", "begin 5"]);
    app.dispatch(Slow(9)).expect("accepted");
    let report = app.shutdown().await.expect("from outside");
    assert_eq!(log.count("failure it took longer than its time-out of 10s"), 1);
    assert_eq!((report.delivered, report.failed), (7, 1), "{report}");
}

#[on(batch = 10, within = "1s", blocking)]
fn blocking(batch: Batch<Stopped>, log: State<Log>) {
    log.write(format!("stopped {}", batch.len()));
}

#[derive(Event, Deserialize)]
struct Stopped;

#[tokio::test]
async fn a_blocking_handler_takes_batches_too() {
    let (app, log) = start(Lifespan::builder().max_at_work(1)).await;
    for _ in 0..10 {
        app.dispatch(Stopped).expect("accepted");
    }
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["stopped 10"], "what waits for its batch is not at work");
}
