//! Traces as an exporter gets them, and messages that have one.

use std::collections::BTreeMap;

use events::{CloudEvents, Envelope, Format as _, Memory, Message, Settlement};
use opentelemetry::trace::{SpanContext, SpanId, TraceId, TracerProvider as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData, TracerProviderBuilder};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Filter, SubscriberExt as _};
use tracing_subscriber::{Layer as _, Registry};

use crate::support::asked;

pub(crate) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
pub(crate) const SPAN: &str = "b7ad6b7169203331";

pub(crate) struct Traces {
    pub(crate) exporter: InMemorySpanExporter,
    _provider: SdkTracerProvider,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Traces {
    pub(crate) fn start() -> Self {
        Self::of(LevelFilter::DEBUG)
    }

    pub(crate) fn of(level: LevelFilter) -> Self {
        Self::filtered(SdkTracerProvider::builder(), level)
    }

    /// Those of `events` alone, and not of the libraries below.
    #[allow(dead_code, reason = "it is for the tests of transports, which include this file")]
    pub(crate) fn of_events() -> Self {
        Self::filtered(SdkTracerProvider::builder(), Targets::new().with_target("events", LevelFilter::DEBUG))
    }

    /// As somebody has set it up.
    pub(crate) fn with(builder: TracerProviderBuilder) -> Self {
        Self::filtered(builder, LevelFilter::DEBUG)
    }

    fn filtered(builder: TracerProviderBuilder, filter: impl Filter<Registry> + Send + Sync + 'static) -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = builder.with_simple_exporter(exporter.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("events")).with_filter(filter);
        let guard = asked::here(Registry::default().with(layer));
        Self { exporter, _provider: provider, _guard: guard }
    }

    pub(crate) fn spans(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().expect("it was not shut down")
    }

    pub(crate) fn named(&self, name: &str) -> Vec<SpanData> {
        self.spans().into_iter().filter(|span| span.name == name).collect()
    }

    pub(crate) fn one(&self, name: &str) -> SpanData {
        let [span] = self.named(name).try_into().unwrap_or_else(|spans: Vec<_>| {
            let all: Vec<_> = self.spans().into_iter().map(|span| span.name).collect();
            panic!("{} spans are called {name} in {all:?}", spans.len())
        });
        span
    }
}

pub(crate) fn attributes(span: &SpanData) -> BTreeMap<&str, String> {
    span.attributes.iter().map(|pair| (pair.key.as_str(), pair.value.to_string())).collect()
}

pub(crate) fn links(span: &SpanData) -> Vec<SpanId> {
    span.links.iter().map(|link| link.span_context.span_id()).collect()
}

pub(crate) fn trace_of(span: &SpanData) -> TraceId {
    span.span_context.trace_id()
}

pub(crate) fn text(context: &SpanContext) -> String {
    format!("00-{}-{}-01", context.trace_id(), context.span_id())
}

/// A message of somebody else, in a trace of theirs.
pub(crate) fn message(name: &str, payload: &str) -> Message {
    let envelope = Envelope::new(name, payload).with_id("17").with_origin("/elsewhere").with_correlation("12");
    let envelope = envelope.with_trace(&format!("00-{TRACE}-{SPAN}-01"), Some("vendor=one"));
    CloudEvents::binary().encode(&envelope).expect("it is one")
}

pub(crate) async fn handled(memory: &Memory, queue: &str) {
    while memory.len(queue) > 0 {
        tokio::task::yield_now().await;
    }
}

/// The next message of the queue `dishes`.
pub(crate) async fn received(memory: &Memory) -> Message {
    use events::{Incoming as _, Source as _};
    let mut incoming = memory.source("dishes").connect(1).await.expect("it is up");
    let received = incoming.next().await.expect("there is one");
    let message = received.message().clone();
    received.settle(Settlement::Ack).await.expect("it is there");
    message
}
