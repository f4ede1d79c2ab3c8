//! Handlers at work, in whatever way they are called: how many, how long, in which spans.

#[path = "telemetry/measured.rs"]
#[allow(dead_code, reason = "it is looked at less closely here")]
mod measured;
#[path = "telemetry/recorder.rs"]
#[allow(dead_code, reason = "it is looked at less closely here")]
mod recorder;
mod support;

use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use events::{Batch, Event, Lifespan, State, dispatch, every, on, provide};
use serde::{Deserialize, Serialize};
use tracing_subscriber::filter::LevelFilter;

use measured::{Metrics, assert_idle, measured, number};
use recorder::Recorder;

#[derive(Debug, Event, Serialize, Deserialize)]
struct PotScrubbed;

#[derive(Debug, Event, Serialize, Deserialize)]
struct GlassRinsed(u32);

#[derive(Debug, Event, Serialize, Deserialize)]
struct PanOiled;

#[derive(Debug, Event, Serialize, Deserialize)]
struct OvenLit;

/// Holds blocking handlers where they are.
#[derive(Debug, Default)]
struct Door {
    entered: Mutex<u32>,
    /// It opens when the other end is gone.
    opened: Mutex<Option<mpsc::Receiver<()>>>,
    /// How the lifespan did when it was unlocked.
    said: Mutex<String>,
}

#[on(startup)]
async fn unlock(app: Lifespan, door: State<Door>) {
    *door.said.lock().unwrap_or_else(PoisonError::into_inner) = app.health().to_string();
}

#[on(shutdown)]
fn lock() {}

#[on(failure)]
async fn sigh(_: &events::Failure) {}

#[every("1h")]
async fn stir() {}

#[on(blocking, timeout = "1s")]
fn scrub(_: &PotScrubbed, door: State<Door>) {
    *door.entered.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    let opened = door.opened.lock().unwrap_or_else(PoisonError::into_inner).take();
    opened.expect("one waits").recv().expect_err("nothing is said");
}

#[on(batch = 3, within = "1s")]
async fn rinse(glasses: Batch<GlassRinsed>) {
    if glasses.iter().any(|glass| glass.0 == 13) {
        std::future::pending::<()>().await;
    }
}

#[provide]
async fn cloth() -> Result<String, &'static str> {
    tokio::task::yield_now().await;
    Err("all are wet")
}

#[on]
async fn oil(_: &PanOiled, #[depends(cloth)] _cloth: &String) {}

#[on]
async fn light(_: &OvenLit) {
    std::future::pending::<()>().await;
}

fn in_flight(metrics: &Metrics) -> i64 {
    number(&metrics.read(), "events_in_flight{}")
}

fn runs(metrics: &Metrics, handler: &str) -> usize {
    measured(&metrics.read(), &format!("events_handler_seconds{{handler={handler}}}")).len()
}

async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_blocking_handler_is_at_work_until_it_has_returned() {
    let (recorder, _guard) = Recorder::start(LevelFilter::INFO);
    let metrics = Metrics::start();
    let app = Lifespan::builder().state(Door::default()).start().await.expect("it starts");
    let door: State<Door> = app.state().expect("it was given one");
    let (held, opened) = mpsc::channel();
    *door.opened.lock().expect("nobody panics") = Some(opened);
    app.dispatch(PotScrubbed).expect("it is dispatched");
    until(|| *door.entered.lock().expect("nobody panics") == 1).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(2)).await;
    until(|| number_of_failures(&metrics, "timeout") == 1).await;
    assert_eq!(in_flight(&metrics), 1, "nobody waits for it, and it is at work");
    assert!(recorder.spans("handler").iter().all(|span| span.get("handler") != Some("telemetry_work::scrub")));
    drop(held);
    until(|| in_flight(&metrics) == 0).await;
    assert_eq!(runs(&metrics, "telemetry_work::scrub"), 1);
    app.shutdown().await.expect("it ends");
    let spans = recorder.spans("handler");
    let scrub = spans.iter().find(|span| span.get("handler") == Some("telemetry_work::scrub")).expect("it has ended");
    assert_eq!(scrub.get("outcome"), Some("timeout"));
}

fn number_of_failures(metrics: &Metrics, kind: &str) -> i64 {
    let series = metrics.read();
    let name = format!("events_failed_total{{handler=telemetry_work::scrub,kind={kind}}}");
    if series.contains_key(&name) { number(&series, &name) } else { 0 }
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_one_run_however_many_events_wait_for_it() {
    let metrics = Metrics::start();
    let app = Lifespan::builder().state(Door::default()).start().await.expect("it starts");
    for round in 0..2 {
        let scope = app.scope(async { (0..=round).try_for_each(|glass| dispatch(GlassRinsed(glass))) });
        scope.await.expect("they are dispatched");
    }
    assert_eq!(runs(&metrics, "telemetry_work::rinse"), 2);
    app.scope(async { (12..15).try_for_each(|glass| app.dispatch(GlassRinsed(glass))) }).await.expect("dispatched");
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(in_flight(&metrics), 1);
    app.shutdown_within(Duration::ZERO).await.expect("it ends");
    until(|| in_flight(&metrics) == 0).await;
    assert_eq!(runs(&metrics, "telemetry_work::rinse"), 3, "what is cut off has run as well");
    assert_idle(&metrics.read());
}

#[tokio::test(start_paused = true)]
async fn hooks_and_periodic_functions_are_measured_and_say_whose_they_are() {
    let (recorder, _guard) = Recorder::start(LevelFilter::INFO);
    let metrics = Metrics::start();
    let app = Lifespan::builder().state(Door::default()).start().await.expect("it starts");
    tokio::time::sleep(Duration::from_hours(2)).await;
    app.deliver(PanOiled).await.expect("it is taken");
    app.shutdown().await.expect("it ends");
    for (function, expected) in [("unlock", 1), ("lock", 1), ("sigh", 1), ("stir", 3)] {
        let called = format!("telemetry_work::{function}");
        assert_eq!(runs(&metrics, &called), expected, "{function}");
        let spans = recorder.spans("handler");
        let own: Vec<_> = spans.iter().filter(|span| span.get("handler") == Some(&called)).collect();
        assert_eq!(own.len(), expected, "{function}");
        let lifespan = own[0].get("lifespan").unwrap_or_else(|| panic!("{function} has no lifespan"));
        assert!(lifespan.len() == 16 && own.iter().all(|span| span.get("lifespan") == Some(lifespan)), "{function}");
    }
    let handlers = recorder.spans("handler");
    let oil = handlers.iter().find(|span| span.get("handler") == Some("telemetry_work::oil")).expect("it ran");
    assert_eq!(oil.get("lifespan"), None, "its delivery has the event, which says it");
    assert_idle(&metrics.read());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_at_work_of_closures_and_of_calls_with_providers() {
    let metrics = Metrics::start();
    let app = Lifespan::builder()
        .state(Door::default())
        .on(|_: std::sync::Arc<OvenLit>| async { Err::<(), _>("too hot") })
        .start()
        .await
        .expect("it starts");
    let delivery = app.deliver(PanOiled).await.expect("it is taken");
    assert_eq!(delivery.failures().len(), 1);
    assert_eq!((runs(&metrics, "telemetry_work::oil"), in_flight(&metrics)), (1, 0));
    app.dispatch(OvenLit).expect("it is dispatched");
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(in_flight(&metrics), 1, "the closure has ended, and the other one has not");
    app.shutdown_within(Duration::ZERO).await.expect("it ends");
    assert_eq!(runs(&metrics, "telemetry_work::light"), 1);
    let series = metrics.read();
    let closures = series.keys().filter(|name| name.starts_with("events_handler_seconds{handler=closure"));
    assert_eq!(closures.count(), 1);
    assert_idle(&series);
}

#[tokio::test]
async fn a_lifespan_that_starts_is_live_and_not_ready() {
    let app = Lifespan::builder().state(Door::default()).start().await.expect("it starts");
    let door: State<Door> = app.state().expect("it was given one");
    assert_eq!(*door.said.lock().expect("nobody panics"), "live, not ready: the lifespan is starting");
    assert!(app.health().is_ready());
    app.shutdown().await.expect("it ends");
}
