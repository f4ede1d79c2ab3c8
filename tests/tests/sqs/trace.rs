//! Traces lead through a queue.

use events::sqs::Sqs;
use events::{Event, Lifespan, SinkExt as _, SourceExt as _, dispatch, on};
use opentelemetry::trace::{SpanKind, Status};
use opentelemetry_sdk::trace::SpanData;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fake::{Answer, Fake};
use crate::support::start_with;
use crate::traced::{Traces, attributes, links, text, trace_of};

#[derive(Event, Serialize, Deserialize)]
struct TracedOrder(u32);

#[on]
async fn take(_: &TracedOrder) {}

/// What was sent, as the service would hand it on.
fn received(fake: &Fake) -> Value {
    let [call] = &fake.calls("SendMessageBatch")[..] else { panic!("one call") };
    let entry = &call.body["Entries"][0];
    json!({
        "MessageId": "m", "ReceiptHandle": "r", "Body": entry["MessageBody"], "MessageAttributes": entry["MessageAttributes"],
        "Attributes": { "ApproximateReceiveCount": "1" },
    })
}

async fn send(sqs: &Sqs) {
    let shop = Lifespan::builder().sink("traced-order", sqs.sink("orders").only());
    let (shop, _) = start_with(shop).await;
    shop.scope(async { dispatch(TracedOrder(1)) }).await.expect("it is taken");
    shop.shutdown().await.expect("from outside");
}

/// What is known of the queue.
fn assert_described(process: &SpanData) {
    let said = attributes(process);
    for (attribute, value) in [
        ("messaging.system", "aws_sqs"),
        ("messaging.destination.name", "orders"),
        ("aws.sqs.queue.url", "http://fake/1/orders"),
        ("server.address", "fake"),
        ("server.port", "80"),
    ] {
        assert_eq!(said.get(attribute).map(String::as_str), Some(value), "{attribute} in {said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_trace_leads_from_the_sender_to_the_settlement() {
    for goes_on in [false, true] {
        let traces = Traces::of_events();
        let fake = Fake::new(|_, _| None);
        let sqs = fake.sqs();
        send(&sqs).await;
        let sent = traces.one("send orders");
        assert_eq!(sent.span_kind, SpanKind::Producer);
        let message = received(&fake);
        assert_eq!(message["MessageAttributes"]["traceparent"]["StringValue"], text(&sent.span_context));
        fake.put_message(message);

        let source = sqs.source("orders");
        let kitchen = if goes_on {
            Lifespan::builder().source(source.continue_trace())
        } else {
            Lifespan::builder().source(source)
        };
        let (kitchen, _) = start_with(kitchen).await;
        while traces.named("delete orders").is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        kitchen.shutdown().await.expect("from outside");

        let receives = traces.named("receive orders");
        let of_count =
            |count: &str| receives.iter().find(|span| attributes(span)["messaging.batch.message_count"] == count);
        let receive = of_count("1").expect("one brought it");
        assert_eq!((receive.span_kind.clone(), links(receive)), (SpanKind::Client, vec![sent.span_context.span_id()]));
        assert_eq!((&*attributes(receive)["messages"], &*attributes(receive)["outcome"]), ("1", "ok"));
        let process = traces.one("process orders");
        assert_eq!(links(&process), [sent.span_context.span_id()]);
        assert_eq!(trace_of(&process) == trace_of(&sent), goes_on);
        assert_described(&process);
        let settle = traces.one("delete orders");
        assert_eq!((trace_of(&settle), settle.parent_span_id), (trace_of(&process), process.span_context.span_id()));
        assert_eq!(attributes(&settle)["messaging.operation.type"], "settle");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_service_does_not_do_is_said_in_a_word() {
    for (answer, word) in
        [(Answer::Silence, "timeout"), (Answer::Broken, "error"), (Answer::Error(400, "AccessDenied"), "refused")]
    {
        let traces = Traces::of_events();
        let fake = Fake::new(move |call, _| (call.action == "ReceiveMessage").then(|| answer.clone()));
        let (kitchen, _) = start_with(Lifespan::builder().source(fake.sqs().source("orders"))).await;
        while traces.named("receive orders").is_empty() {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        kitchen.shutdown().await.expect("from outside");
        let receive = &traces.named("receive orders")[0];
        assert_eq!(attributes(receive)["error.type"], word);
        assert!(matches!(receive.status, Status::Error { .. }));
        assert!(!attributes(receive).contains_key("messaging.batch.message_count"));
    }
}
