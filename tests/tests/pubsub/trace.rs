//! Traces lead through a topic.

use events::{Event, Lifespan, SinkExt as _, SourceExt as _, dispatch, on};
use opentelemetry::trace::SpanKind;
use serde::{Deserialize, Serialize};

use crate::service::{Options, Service, subscription, topic};
use crate::support::start_with;
use crate::traced::{Traces, attributes, links, trace_of};
use crate::until;

#[derive(Event, Serialize, Deserialize)]
struct TracedOrder {
    #[event(partition_key)]
    table: u32,
}

#[on]
async fn take(_: &TracedOrder) {}

#[tokio::test]
async fn a_trace_leads_from_the_sender_to_the_settlement() {
    let traces = Traces::of_events();
    let service = Service::start().await;
    service.make("orders", Options::default());
    let pubsub = service.pubsub();
    let (shop, _) = start_with(Lifespan::builder().sink("traced-order", pubsub.sink("orders").only())).await;
    shop.scope(async { dispatch(TracedOrder { table: 7 }) }).await.expect("it is taken");
    shop.shutdown().await.expect("from outside");
    let source = pubsub.source("orders").continue_trace();
    let (kitchen, _) = start_with(Lifespan::builder().source(source)).await;
    let ack = format!("ack {}", subscription("orders"));
    until("it is settled", async || !traces.named(&ack).is_empty()).await;
    kitchen.shutdown().await.expect("from outside");

    let publish = traces.one(&format!("publish {}", topic("orders")));
    let process = traces.one(&format!("process {}", subscription("orders")));
    let settle = traces.one(&ack);
    assert_eq!((publish.span_kind.clone(), process.span_kind.clone()), (SpanKind::Producer, SpanKind::Consumer));
    assert_eq!((trace_of(&process), process.parent_span_id), (trace_of(&publish), publish.span_context.span_id()));
    assert_eq!(links(&process), [publish.span_context.span_id()]);
    assert_eq!((trace_of(&settle), settle.parent_span_id), (trace_of(&publish), process.span_context.span_id()));
    let (host, port) = service
        .address()
        .trim_start_matches("http://")
        .rsplit_once(':')
        .map(|(h, p)| (h.to_owned(), p.to_owned()))
        .expect("a port");
    for span in [&publish, &process, &settle] {
        let said = attributes(span);
        assert_eq!(
            (&*said["messaging.system"], &said["server.address"], &said["server.port"]),
            ("gcp_pubsub", &host, &port)
        );
    }
    let said = attributes(&process);
    assert_eq!(said["messaging.gcp_pubsub.message.ordering_key"], "7");
    assert_eq!(said["messaging.destination.subscription.name"], subscription("orders"));
}
