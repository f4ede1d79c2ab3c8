//! What sources and sinks of somebody else say of themselves, which may be secret, break, or ask back.

use std::fmt;
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use axum::body::Body;
use events::dispatch;
use events::health::Probes;
use events::{Envelope, Incoming, Lifespan, Received, Settlement, Sink, SinkError, SinkExt as _, Source, SourceError};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use tracing_subscriber::filter::LevelFilter;

use crate::measured::Metrics;
use crate::recorder::Recorder;
use crate::{DishBroken, DishWashed};

const SECRET: &str = "hunter2";
const ADDRESS: &str = "amqp://cat:hunter2@broker:5672/plates?token=hunter2";

type Settling = fn(Settlement) -> std::future::Ready<Result<(), SourceError>>;

/// A source that fails as its closure says.
struct Down<F>(F);

struct Never;

impl Incoming for Never {
    type Settle = Settling;

    async fn next(&mut self) -> Result<Received<Settling>, SourceError> {
        std::future::pending().await
    }
}

impl<F: Fn() -> Result<Never, SourceError> + Send + Sync + 'static> Source for Down<F> {
    type Incoming = Never;

    fn address(&self) -> String {
        ADDRESS.into()
    }

    async fn connect(&self, _: usize) -> Result<Never, SourceError> {
        (self.0)()
    }
}

struct Loose;

impl Sink for Loose {
    async fn send(&self, envelope: &Envelope) -> Result<(), SinkError> {
        if envelope.name() == "dish-broken" { Err(SinkError::permanent("it is broken")) } else { Ok(()) }
    }

    fn address(&self) -> Option<String> {
        Some(ADDRESS.into())
    }
}

#[tokio::test(start_paused = true)]
async fn no_password_of_an_address_is_told_to_anybody() {
    let (recorder, _guard) = Recorder::start(LevelFilter::TRACE);
    let metrics = Metrics::start();
    let source = Down(|| Err(SourceError::permanent("there is no broker")));
    let app = Lifespan::builder().source(source).sink("dish-*", Loose).start().await.expect("it starts");
    app.scope(async { dispatch(DishWashed(1)) }).await.expect("it is dispatched");
    app.scope(async { dispatch(DishBroken { how: "-".into() }) }).await.expect("it is dispatched");
    tokio::task::yield_now().await;
    let health = app.health();
    let request = http::Request::get("/readyz").body(Body::empty()).expect("a request");
    let response = Probes::new(&app).detailed().routes::<()>().oneshot(request).await.expect("it answers");
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    let report = app.shutdown().await.expect("it ends");
    let told = [
        format!("{health} {health:?} {report} {app:?}"),
        String::from_utf8_lossy(&body).into_owned(),
        format!("{:?}", recorder.everything()),
        format!("{:?}", metrics.read()),
        app.flow().mermaid(),
    ];
    for told in told {
        assert!(!told.contains(SECRET), "{told}");
        assert!(!told.contains("cat:"), "{told}");
    }
    assert_eq!(health.sources()[0].name(), "amqp://broker:5672/plates?..");
}

#[tokio::test]
async fn two_sources_at_one_secret_address_are_refused_without_it() {
    let down = || Down(|| Err(SourceError::new("there is no broker")));
    let error = Lifespan::builder().source(down()).source(down()).start().await.expect_err("they are the same");
    let back = Lifespan::builder().source(down()).sink("dish-*", Loose.only()).start().await;
    for error in [error, back.expect_err("nobody would get it")] {
        assert!(!error.to_string().contains(SECRET), "{error}");
        assert!(error.to_string().contains("amqp://broker:5672/plates"), "{error}");
    }
}

/// An error with a text of its own.
struct Odd<F>(F);

impl<F: Fn() -> String> fmt::Display for Odd<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&(self.0)())
    }
}

impl<F> fmt::Debug for Odd<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Odd")
    }
}

impl<F: Fn() -> String> std::error::Error for Odd<F> {}

#[test]
fn an_error_may_ask_how_the_lifespan_does() {
    let (told, done) = mpsc::channel();
    // On a thread of its own: what waits for itself would never end.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let known: Arc<OnceLock<Lifespan>> = Arc::default();
            let asking = {
                let known = Arc::clone(&known);
                move || {
                    Odd({
                        let known = Arc::clone(&known);
                        move || known.get().map_or_else(String::new, |app| app.health().to_string())
                    })
                }
            };
            let (first, second) = (asking.clone(), asking);
            let source = Down(move || Err(SourceError::new(first())));
            let sink = move |_: Envelope| std::future::ready(Err::<(), _>(second()));
            let app = Lifespan::builder().source(source).sink("dish-washed", sink.only().attempts(1));
            let app = app.start().await.expect("it starts");
            assert!(known.set(app.clone()).is_ok());
            app.scope(async { dispatch(DishWashed(1)) }).await.expect("it is dispatched");
            tokio::time::sleep(Duration::from_mins(1)).await;
            let health = app.health();
            assert!(health.sources()[0].last_error().is_some_and(|error| error.to_string().contains("live")));
            assert!(health.sinks()[0].last_error().is_some_and(|error| error.to_string().contains("live")));
            app.shutdown().await.expect("it ends");
        });
        told.send(()).expect("somebody waits");
    });
    done.recv_timeout(Duration::from_secs(20)).expect("nothing waits for itself");
}

#[tokio::test(start_paused = true)]
async fn an_error_whose_text_panics_ends_nothing() {
    let attempts = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let panicking = || Odd(|| -> String { panic!("no words") });
    let counted = Arc::clone(&attempts);
    let source = Down(move || match counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0 | 1 => Err(SourceError::new(panicking())),
        _ => Ok(Never),
    });
    let sink = move |_: Envelope| std::future::ready(Err::<(), _>(panicking()));
    let app = Lifespan::builder().source(source).sink("dish-washed", sink.only().attempts(2));
    let app = app.start().await.expect("it starts");
    let delivery = app.deliver(DishWashed(1)).await.expect("it is taken");
    assert_eq!(delivery.failures().len(), 1);
    assert!(delivery.failures()[0].to_string().contains("no words"), "{}", delivery.failures()[0]);
    tokio::time::sleep(Duration::from_mins(1)).await;
    let health = app.health();
    assert!(health.is_ready(), "the source has gone on: {health}");
    let last = health.sources()[0].last_error().expect("there was one").to_string();
    assert!(last.contains("no words"), "{last}");
    app.shutdown().await.expect("it ends");
}
