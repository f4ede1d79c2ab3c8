//! OpenTelemetry: what its exporters get.

use events::http::{Intake, Webhook};
use events::{
    Destination, Envelope, Lifespan, Memory, Settlement, Sink, SinkError, SinkExt as _, SourceExt as _, dispatch,
};
use opentelemetry::trace::{SpanId, SpanKind, Status, TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tower::ServiceExt as _;
use tracing::{Instrument as _, info_span};
use tracing_subscriber::filter::LevelFilter;

use crate::traced::{SPAN, TRACE, Traces, attributes, handled, links, message, received, text, trace_of};
use crate::{CatFed, DishWashed};

#[tokio::test]
async fn a_request_its_events_and_what_they_chain_are_one_trace() {
    for level in [LevelFilter::INFO, LevelFilter::DEBUG] {
        let traces = Traces::of(level);
        let app = Lifespan::builder().start().await.expect("it starts");
        let scope = app.scope(async { dispatch(CatFed { fish: 9 }) });
        scope.instrument(info_span!("request")).await.expect("it is dispatched");
        app.shutdown().await.expect("it ends");
        let request = traces.one("request");
        assert!(
            traces.spans().iter().all(|span| trace_of(span) == trace_of(&request)),
            "{level}: {:?}",
            traces.spans()
        );

        let deliveries = traces.named("delivery");
        let dispatches = traces.named("dispatch");
        assert_eq!((deliveries.len(), dispatches.len()), (2, 2));
        for delivery in &deliveries {
            let id = &attributes(delivery)["id"];
            let dispatch = dispatches.iter().find(|span| attributes(span)["id"] == *id).expect("it was dispatched");
            assert_eq!(delivery.parent_span_id, dispatch.span_context.span_id());
            assert_eq!(delivery.span_kind, SpanKind::Internal);
        }
    }
}

#[tokio::test]
async fn spans_end_before_what_they_have_chained() {
    let traces = Traces::start();
    let app = Lifespan::builder().start().await.expect("it starts");
    let scope = app.scope(async { dispatch(CatFed { fish: 9 }) });
    scope.instrument(info_span!("request")).await.expect("it is dispatched");
    assert_eq!(traces.named("request").len(), 1, "what is chained keeps nothing open");
    app.shutdown().await.expect("it ends");
}

#[tokio::test]
async fn a_message_begins_a_trace_that_is_linked_to_the_senders() {
    let traces = Traces::start();
    let memory = Memory::new();
    memory.put("dishes", message("dish-broken", r#"{"how":"error"}"#)).expect("there is room");
    let dishes = memory.source("dishes").on_failure(Settlement::Reject);
    let app = Lifespan::builder().source(dishes).start().await.expect("it starts");
    handled(&memory, "dishes").await;
    app.shutdown().await.expect("it ends");

    let process = traces.one("process dishes");
    assert_eq!((process.span_kind.clone(), process.parent_span_id), (SpanKind::Consumer, SpanId::INVALID));
    assert_eq!(links(&process), [SpanId::from_hex(SPAN).expect("an id")]);
    assert_ne!(trace_of(&process).to_string(), TRACE);
    let said = attributes(&process);
    for (name, value) in [
        ("messaging.system", "in_process"),
        ("messaging.operation.name", "process"),
        ("messaging.operation.type", "process"),
        ("messaging.destination.name", "dishes"),
        ("messaging.message.id", "17"),
        ("messaging.message.conversation_id", "12"),
        ("error.type", "failed"),
    ] {
        assert_eq!(said.get(name).map(String::as_str), Some(value), "{name} in {said:?}");
    }
    assert!(!said.contains_key("messaging.batch.message_count"), "never for one");
    assert!(matches!(process.status, Status::Error { .. }));

    let settle = traces.one("reject dishes");
    assert_eq!((settle.span_kind.clone(), settle.parent_span_id), (SpanKind::Client, process.span_context.span_id()));
    assert_eq!(attributes(&settle)["messaging.operation.type"], "settle");
    assert!(settle.start_time >= process.end_time, "to settle is not to process");
    assert_eq!(traces.one("handler").span_context.trace_id(), trace_of(&process));
}

#[tokio::test]
async fn a_trace_goes_on_by_choice() {
    let traces = Traces::start();
    let memory = Memory::new();
    memory.put("dishes", message("dish-broken", r#"{"how":"-"}"#)).expect("there is room");
    let app = Lifespan::builder().source(memory.source("dishes").continue_trace()).start().await.expect("it starts");
    handled(&memory, "dishes").await;
    app.shutdown().await.expect("it ends");
    let process = traces.one("process dishes");
    assert_eq!((process.parent_span_id.to_string(), process.parent_span_is_remote), (SPAN.into(), true));
    assert_eq!(links(&process), [process.parent_span_id], "it is linked all the same");
    assert!(traces.spans().iter().all(|span| trace_of(span).to_string() == TRACE));
    assert_eq!(process.span_context.trace_state().header(), "vendor=one");
}

#[tokio::test]
async fn an_event_that_is_sent_alone_has_the_trace_of_its_sending() {
    let traces = Traces::start();
    let memory = Memory::new();
    memory.bind("dishes", "*");
    let app = Lifespan::builder().sink("dish-*", memory.sink().only()).start().await.expect("it starts");
    let scope = app.scope(async { dispatch(DishWashed(1)) });
    scope.instrument(info_span!("request")).await.expect("it is dispatched");
    app.shutdown().await.expect("it ends");
    let send = traces.one("send dish-washed");
    assert_eq!((send.span_kind.clone(), trace_of(&send)), (SpanKind::Producer, trace_of(&traces.one("request"))));
    assert_eq!(send.parent_span_id, traces.one("dispatch").span_context.span_id());
    let said = attributes(&send);
    assert_eq!((&*said["messaging.operation.type"], said.get("messaging.batch.message_count")), ("send", None));

    let message = received(&memory).await;
    assert_eq!(message.header("traceparent"), Some(&*text(&send.span_context)));
    assert_eq!(message.header("ce-traceparent"), message.header("traceparent"));
    assert_eq!(message.body, b"1", "the payload knows nothing of it");
}

#[tokio::test]
async fn events_that_are_sent_together_have_a_span_each() {
    let traces = Traces::start();
    let memory = Memory::new();
    memory.bind("dishes", "*");
    let app = Lifespan::builder().sink("dish-*", memory.sink().only()).start().await.expect("it starts");
    let scope = app.scope(async { (0..3).try_for_each(|dish| dispatch(DishWashed(dish))) });
    scope.await.expect("they are dispatched");
    app.shutdown().await.expect("it ends");
    let created = traces.named("create dish-washed");
    let send = traces.one("send dish-washed");
    assert_eq!((created.len(), send.span_kind.clone()), (3, SpanKind::Client));
    assert_eq!(links(&send), created.iter().map(|span| span.span_context.span_id()).collect::<Vec<_>>());
    assert_eq!(attributes(&send)["messaging.batch.message_count"], "3");
    assert!(!attributes(&send).contains_key("messaging.message.id"), "what is said of one stands in its own span");
    for span in &created {
        assert_eq!(span.span_kind, SpanKind::Producer);
        assert_eq!(received(&memory).await.header("traceparent"), Some(&*text(&span.span_context)));
    }
}

/// Fails once for each event, and panics when it is asked where it sends to.
struct Clumsy(std::sync::atomic::AtomicU32);

impl Sink for Clumsy {
    async fn send(&self, _: &Envelope) -> Result<(), SinkError> {
        match self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => Err(SinkError::new("dropped it")),
            _ => Ok(()),
        }
    }

    fn destination(&self, _: &Envelope) -> Destination {
        panic!("it has forgotten")
    }
}

#[tokio::test(start_paused = true)]
async fn another_attempt_is_linked_to_what_the_first_has_made() {
    let traces = Traces::start();
    let app = Lifespan::builder().sink("dish-*", Clumsy(0.into()).only()).start().await.expect("it starts");
    app.scope(async { dispatch(DishWashed(1)) }).await.expect("it is dispatched");
    app.shutdown().await.expect("it ends");
    let attempts = traces.named("send");
    let [first, second] = attempts.as_slice() else { panic!("{attempts:?}") };
    assert_eq!((first.span_kind.clone(), second.span_kind.clone()), (SpanKind::Producer, SpanKind::Client));
    assert_eq!(links(second), [first.span_context.span_id()]);
    assert_eq!((&*attributes(first)["error.type"], attributes(second).get("error.type")), ("error", None));
    assert_eq!(attributes(first)["messaging.system"], "_OTHER");
}

#[tokio::test]
async fn a_batch_is_linked_to_its_events() {
    let traces = Traces::start();
    let app = Lifespan::builder().start().await.expect("it starts");
    app.scope(async { (0..3).try_for_each(|dish| dispatch(DishWashed(dish))) }).await.expect("they are dispatched");
    app.shutdown().await.expect("it ends");
    let dispatched: Vec<_> = traces.named("dispatch").iter().map(|span| span.span_context.span_id()).collect();
    assert_eq!(links(&traces.one("handler")), dispatched);
}

#[tokio::test]
async fn a_broken_trace_costs_nobody_an_event() {
    let traces = Traces::start();
    let memory = Memory::new();
    for broken in ["", "00-0-0-01", "zz", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"] {
        let mut message = message("dish-washed", "1");
        for (_, value) in message.headers.iter_mut().filter(|(name, _)| name.ends_with("traceparent")) {
            *value = broken.to_owned();
        }
        memory.put("dishes", message).expect("there is room");
    }
    let app = Lifespan::builder().source(memory.source("dishes").continue_trace()).start().await.expect("it starts");
    let report = {
        while memory.len("dishes") > 3 {
            tokio::task::yield_now().await;
        }
        app.shutdown().await.expect("it ends")
    };
    assert!(report.is_clean(), "{report}");
    let processed = traces.named("process dishes");
    assert_eq!(processed.len(), 4);
    assert!(processed.iter().all(|span| links(span).is_empty() && span.parent_span_id == SpanId::INVALID));
}

#[tokio::test]
async fn without_a_layer_a_trace_is_passed_on() {
    let memory = Memory::new();
    memory.bind("dishes", "*");
    memory.put("shelf", message("dish-washed", "1")).expect("there is room");
    let app = Lifespan::builder().source(memory.source("shelf")).sink("dish-*", memory.sink().only());
    let app = app.start().await.expect("it starts");
    let sent = received(&memory).await;
    app.shutdown().await.expect("it ends");
    assert_eq!(sent.header("traceparent"), Some(&*format!("00-{TRACE}-{SPAN}-01")));
    assert_eq!(sent.header("tracestate"), Some("vendor=one"));
}

/// Posts an event to the intake of a lifespan, in a trace.
async fn post(app: &Lifespan) {
    let request = http::Request::post("/events/dish-washed").header("content-type", "application/json");
    let request = request.header("traceparent", format!("00-{TRACE}-{SPAN}-01")).body(axum::body::Body::from("1"));
    let response = Intake::new(app).router::<()>().oneshot(request.expect("a request")).await.expect("it answers");
    assert_eq!(response.status(), http::StatusCode::ACCEPTED);
}

#[tokio::test]
async fn what_comes_in_by_http_is_linked_and_goes_on_where_the_server_has_no_span() {
    let traces = Traces::start();
    let app = Lifespan::builder().start().await.expect("it starts");
    post(&app).await;
    let dispatch = traces.one("dispatch");
    assert_eq!((dispatch.parent_span_id.to_string(), trace_of(&dispatch).to_string()), (SPAN.into(), TRACE.into()));
    traces.exporter.reset();
    post(&app).instrument(info_span!("server")).await;
    let (server, dispatch) = (traces.one("server"), traces.one("dispatch"));
    assert_eq!(
        (trace_of(&dispatch), links(&dispatch)),
        (trace_of(&server), vec![SpanId::from_hex(SPAN).expect("an id")])
    );
    app.shutdown().await.expect("it ends");
}

/// Answers every request, and tells of their headers.
async fn webhook() -> (String, tokio::sync::mpsc::UnboundedReceiver<http::HeaderMap>) {
    let (told, headers) = tokio::sync::mpsc::unbounded_channel();
    let answer = move |headers: http::HeaderMap| async move {
        told.send(headers).expect("somebody listens");
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("it has one"));
    let router: axum::Router = axum::Router::new().route("/", axum::routing::post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, headers)
}

#[tokio::test]
async fn a_webhook_is_told_the_trace_of_the_request() {
    let traces = Traces::start();
    let (url, mut headers) = webhook().await;
    for (batch, count) in [(None, 1), (Some(10), 3)] {
        let hook = Webhook::new(&url).expect("a good URL");
        let hook = match batch {
            Some(events) => hook.in_batches(events),
            None => hook,
        };
        let app = Lifespan::builder().sink("dish-*", hook.only()).start().await.expect("it starts");
        app.scope(async { (0..count).try_for_each(|dish| dispatch(DishWashed(dish))) }).await.expect("dispatched");
        app.shutdown().await.expect("it ends");
        let sends: Vec<_> = traces.spans().into_iter().filter(|span| span.name.starts_with("send ")).collect();
        let [send] = sends.as_slice() else { panic!("{sends:?}") };
        let told = headers.recv().await.expect("it was asked");
        assert_eq!(told["traceparent"], *text(&send.span_context), "{count} events");
        traces.exporter.reset();
    }
}

#[tokio::test]
async fn spans_of_opentelemetry_itself_are_parents_too() {
    use opentelemetry::trace::{TraceContextExt as _, Tracer as _};
    let provider = SdkTracerProvider::builder().build();
    let tracer = provider.tracer("test");
    let memory = Memory::new();
    memory.bind("dishes", "*");
    let app = Lifespan::builder().sink("dish-*", memory.sink().only()).start().await.expect("it starts");
    let context = opentelemetry::Context::new().with_span(tracer.start("request"));
    {
        let _attached = context.clone().attach();
        app.dispatch(DishWashed(1)).expect("it is dispatched");
    }
    app.shutdown().await.expect("it ends");
    assert_eq!(received(&memory).await.header("traceparent"), Some(&*text(context.span().span_context())));
}
