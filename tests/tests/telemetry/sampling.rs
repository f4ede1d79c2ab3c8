//! What samplers see, and what becomes of traces that they leave out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use events::{Lifespan, Memory, Pair, Settlement, SinkExt as _, SourceExt as _, dispatch};
use opentelemetry::trace::{Link, SpanKind, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample};

use crate::DishWashed;
use crate::traced::{SPAN, TRACE, Traces, handled, links, message, received, trace_of};

type Seen = BTreeMap<String, (SpanKind, BTreeMap<String, String>, usize)>;

/// Takes every span, and remembers what it was told of it.
#[derive(Clone, Debug, Default)]
struct Curious(Arc<Mutex<Seen>>);

impl ShouldSample for Curious {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let said = attributes.iter().map(|pair| (pair.key.to_string(), pair.value.to_string())).collect();
        self.0.lock().expect("nobody panics").insert(name.to_owned(), (kind.clone(), said, links.len()));
        let decision = SamplingDecision::RecordAndSample;
        SamplingResult { decision, attributes: Vec::new(), trace_state: TraceState::default() }
    }
}

#[tokio::test]
async fn a_sampler_sees_what_a_message_is_about() {
    let curious = Curious::default();
    let traces = Traces::with(SdkTracerProvider::builder().with_sampler(curious.clone()));
    let memory = Memory::new();
    memory.bind("shelf", "*");
    memory.put("plates", message("dish-broken", r#"{"how":"error"}"#)).expect("there is room");
    let plates = memory.source("plates").on_failure(Settlement::Reject);
    let app = Lifespan::builder().source(plates).sink("dish-washed", memory.sink().only()).start().await;
    let app = app.expect("it starts");
    app.scope(async { dispatch(DishWashed(1)) }).await.expect("it is taken");
    app.scope(async { (0..2).try_for_each(|dish| dispatch(DishWashed(dish))) }).await.expect("they are taken");
    while memory.take_rejected("plates").is_empty() {
        tokio::task::yield_now().await;
    }
    app.shutdown().await.expect("it ends");
    let seen = curious.0.lock().expect("nobody panics").clone();
    for (name, kind, operation, verb, destination, linked) in [
        ("create dish-washed", SpanKind::Producer, "create", "create", "dish-washed", 0),
        ("send dish-washed", SpanKind::Client, "send", "send", "dish-washed", 2),
        ("process plates", SpanKind::Consumer, "process", "process", "plates", 1),
        ("reject plates", SpanKind::Client, "settle", "reject", "plates", 0),
    ] {
        let (known, said, links) = seen.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", seen.keys()));
        let expected = [
            ("messaging.system", "in_process"),
            ("messaging.operation.type", operation),
            ("messaging.operation.name", verb),
            ("messaging.destination.name", destination),
        ];
        for (attribute, value) in expected {
            assert_eq!(said.get(attribute).map(String::as_str), Some(value), "{attribute} of {name} in {said:?}");
        }
        assert_eq!((known, *links), (&kind, linked), "{name}");
    }
    assert_eq!(seen["process plates"].1["messaging.message.id"], "17");
    drop(traces);
}

#[tokio::test]
async fn a_trace_that_is_not_sampled_goes_on_as_one() {
    for is_traced in [true, false] {
        let traces = is_traced.then(Traces::start);
        let memory = Memory::new();
        memory.bind("dishes", "*");
        let mut unsampled = message("dish-washed", "1");
        for (_, value) in unsampled.headers.iter_mut().filter(|(name, _)| name.ends_with("traceparent")) {
            *value = format!("00-{TRACE}-{SPAN}-00");
        }
        memory.put("shelf", unsampled).expect("there is room");
        let app = Lifespan::builder().source(memory.source("shelf").continue_trace());
        let app = app.sink("dish-*", memory.sink().only()).start().await.expect("it starts");
        let sent = received(&memory).await;
        app.shutdown().await.expect("it ends");
        let parent = sent.header("traceparent").expect("it has one");
        assert!(parent.starts_with(&format!("00-{TRACE}-")) && parent.ends_with("-00"), "{parent}");
        assert_eq!(parent.contains(SPAN), !is_traced, "{parent}");
        if let Some(traces) = traces {
            assert!(traces.spans().is_empty(), "{:?}", traces.spans());
        }
    }
}

#[tokio::test]
async fn a_pair_has_its_trace_beside_it() {
    let traces = Traces::start();
    let memory = Memory::with_format(Pair);
    memory.bind("dishes", "dish-*");
    let shop = Lifespan::builder().sink("dish-*", memory.sink().only()).start().await.expect("it starts");
    shop.scope(async { dispatch(DishWashed(1)) }).await.expect("it is taken");
    shop.shutdown().await.expect("it ends");
    let kitchen = Lifespan::builder().source(memory.source("dishes").format(Pair).continue_trace());
    let kitchen = kitchen.start().await.expect("it starts");
    tokio::task::yield_now().await;
    kitchen.shutdown().await.expect("it ends");
    handled(&memory, "dishes").await;
    let (send, process) = (traces.one("send dish-washed"), traces.one("process dishes"));
    assert_eq!((trace_of(&process), process.parent_span_id), (trace_of(&send), send.span_context.span_id()));
    assert_eq!(links(&process), [send.span_context.span_id()]);
}
