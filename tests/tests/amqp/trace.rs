//! One trace, from a request through two processes.

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use events::amqp::{Amqp, AmqpQueue};
use events::tower::EventsLayer;
use events::{Event, Lifespan, SinkExt as _, SourceExt as _, dispatch, on};
use http::{Request, StatusCode};
use opentelemetry::trace::{SpanKind, TracerProvider as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use serde::{Deserialize, Serialize};
use tower::ServiceExt as _;
use tracing::{Instrument as _, Level, info_span};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, Registry};

use crate::support::start_with;
use crate::{broker, until};

/// Says to the second process where the broker is, and where to write what it has seen.
const PLAN: &str = "EVENTS_TEST_TRACE";
const QUEUE: &str = "trace-meals";

#[derive(Event, Serialize, Deserialize)]
struct TraceOrderPlaced(u32);

#[derive(Event, Serialize, Deserialize)]
struct TraceMealCooked(u32);

#[on]
async fn cook(order: &TraceOrderPlaced) -> TraceMealCooked {
    tokio::task::yield_now().await;
    TraceMealCooked(order.0)
}

/// Only the second process has it come in: the first one sends it elsewhere instead.
#[on]
async fn eat(_: &TraceMealCooked) {
    tokio::task::yield_now().await;
}

/// Sees the spans of `events` and of this program. The client library has some of its own, which begin traces that lead nowhere,
/// and end when its threads do.
fn traced() -> (InMemorySpanExporter, SdkTracerProvider, impl tracing::Subscriber + Send + Sync) {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let ours = Targets::new().with_target("events", Level::INFO).with_target(module_path!(), Level::INFO);
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("events")).with_filter(ours);
    (exporter, provider, Registry::default().with(layer))
}

/// What is told of a span from one process to the other.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Told {
    name: String,
    trace: String,
    span: String,
    parent: String,
    links: Vec<String>,
}

impl From<SpanData> for Told {
    fn from(span: SpanData) -> Self {
        Self {
            name: span.name.into_owned(),
            trace: span.span_context.trace_id().to_string(),
            span: span.span_context.span_id().to_string(),
            parent: span.parent_span_id.to_string(),
            links: span.links.iter().map(|link| link.span_context.span_id().to_string()).collect(),
        }
    }
}

/// The second process, which is a test of no interest where it is none.
#[test]
fn second() {
    let Ok(plan) = std::env::var(PLAN) else { return };
    let (url, path) = plan.split_once(' ').expect("an URL and a path");
    // Whoever has started it is gone when its input ends.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(99);
    });
    let (exporter, _provider, subscriber) = traced();
    tracing::subscriber::set_global_default(subscriber).expect("it is the first");
    let source = Amqp::new(url).expect("a good URL").source(QUEUE).continue_trace();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (app, _) = start_with(Lifespan::builder().source(source)).await;
        let spans = || exporter.get_finished_spans().expect("it was not shut down");
        until("a message was processed", async || spans().iter().any(|span| span.span_kind == SpanKind::Consumer))
            .await;
        app.shutdown().await.expect("from outside");
        let told: Vec<_> = spans().into_iter().map(Told::from).collect();
        fs::write(path, serde_json::to_vec(&told).expect("JSON")).expect("written");
    });
    std::process::exit(0);
}

#[tokio::test]
async fn one_trace_leads_from_a_request_to_the_handler_of_a_second_process() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let (exporter, _provider, subscriber) = traced();
    let _guard = crate::support::asked::here(subscriber);
    let meals = broker.amqp().source(AmqpQueue::classic(QUEUE));
    drop(events::Source::connect(&meals, 1).await.expect("the queue is declared"));
    let sink = broker.amqp().sink("").routed_by(|_| QUEUE.into());
    let (kitchen, _) = start_with(Lifespan::builder().sink("trace-meal-cooked", sink.only())).await;
    let place =
        async || dispatch(TraceOrderPlaced(7)).map_or(StatusCode::SERVICE_UNAVAILABLE, |()| StatusCode::ACCEPTED);
    let router: Router = Router::new().route("/orders", post(place)).layer(EventsLayer::new(kitchen.clone()));
    let request = Request::post("/orders").body(Body::empty()).expect("a request");
    let response = router.oneshot(request).instrument(info_span!("POST /orders")).await.expect("it answers");
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    drop(response);
    kitchen.shutdown().await.expect("from outside");
    let first: Vec<_> = exporter.get_finished_spans().expect("open").into_iter().map(Told::from).collect();

    let path = std::env::temp_dir().join(format!("events-trace-{}.json", std::process::id()));
    let mut child = Command::new(std::env::current_exe().expect("it runs"))
        .args(["--exact", "trace::second", "--nocapture", "--test-threads=1"])
        .env(PLAN, format!("{} {}", broker.url(), path.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    until("the second process has ended", async || child.try_wait().expect("it is a child").is_some()).await;
    assert!(child.wait().expect("it has ended").success());
    let second: Vec<Told> = serde_json::from_slice(&fs::read(&path).expect("written")).expect("JSON");
    fs::remove_file(&path).expect("it is there");

    let one = |spans: &[Told], name: &str, of: &dyn Fn(&Told) -> bool| {
        let mut found = spans.iter().filter(|span| span.name == name && of(span));
        let span = found.next().unwrap_or_else(|| panic!("no `{name}` in {spans:#?}"));
        (span.span.clone(), span.parent.clone())
    };
    let any: &dyn Fn(&Told) -> bool = &|_| true;
    let child_of = |parent: &String| {
        let parent = parent.clone();
        move |span: &Told| span.parent == parent
    };
    // Each is a child of the one before: request, scope, dispatch, delivery, handler, dispatch, publish; process, delivery, handler.
    let (request, _) = one(&first, "POST /orders", any);
    let (scope, _) = one(&first, "scope", &child_of(&request));
    let (ordered, _) = one(&first, "dispatch", &child_of(&scope));
    let (delivery, _) = one(&first, "delivery", &child_of(&ordered));
    let (cook, _) = one(&first, "handler", &child_of(&delivery));
    let (cooked, _) = one(&first, "dispatch", &child_of(&cook));
    let (publish, _) = one(&first, "publish amq.default", &child_of(&cooked));
    let (process, _) = one(&second, &format!("process {QUEUE}"), &child_of(&publish));
    let (arrived, _) = one(&second, "dispatch", &child_of(&process));
    let (delivery, _) = one(&second, "delivery", &child_of(&arrived));
    one(&second, "handler", &child_of(&delivery));

    let trace = first.iter().find(|span| span.name == "POST /orders").map(|span| &span.trace);
    let strangers: Vec<_> = first.iter().chain(&second).filter(|span| Some(&span.trace) != trace).collect();
    assert!(strangers.is_empty(), "{strangers:#?}");
}
