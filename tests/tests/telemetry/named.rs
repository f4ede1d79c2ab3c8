//! Messages whose event has its name from elsewhere: what stands beside their payload counts all the same.

use std::time::{Duration, SystemTime};

use events::{Lifespan, Memory, Message, SinkExt as _, SourceExt as _};
use opentelemetry::trace::SpanId;

use crate::traced::{SPAN, TRACE, Traces, attributes, handled, links, message, received, trace_of};

fn plain(headers: &[(&str, &str)]) -> Message {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Message { headers, body: b"1".to_vec(), ..Message::default() }
}

/// What is sent on of a message whose event is named by the source.
async fn sent_on(message: Message) -> Message {
    let memory = Memory::new();
    memory.bind("dishes", "*");
    memory.put("shelf", message).expect("there is room");
    let app = Lifespan::builder().source(memory.source("shelf").named("dish-washed"));
    let app = app.sink("dish-*", memory.sink().only()).start().await.expect("it starts");
    let sent = received(&memory).await;
    app.shutdown().await.expect("it ends");
    sent
}

#[tokio::test]
async fn its_trace_goes_on_by_choice_and_is_linked_else() {
    let parent = format!("00-{TRACE}-{SPAN}-01");
    let put = [("kind", "dish-broken"), ("Traceparent", &*parent), ("tracestate", "vendor=one")];
    for goes_on in [true, false] {
        for by_header in [true, false] {
            let traces = Traces::start();
            let memory = Memory::new();
            memory.put("dishes", Message { body: br#"{"how":"-"}"#.to_vec(), ..plain(&put) }).expect("there is room");
            let source = memory.source("dishes");
            let source = if by_header { source.named_by_header("kind") } else { source.named("dish-broken") };
            let source = if goes_on { source.continue_trace() } else { source };
            let app = Lifespan::builder().source(source).start().await.expect("it starts");
            handled(&memory, "dishes").await;
            app.shutdown().await.expect("it ends");
            let process = traces.one("process dishes");
            assert_eq!(links(&process), [SpanId::from_hex(SPAN).expect("an id")]);
            assert_eq!(trace_of(&process).to_string() == TRACE, goes_on);
            if goes_on {
                assert_eq!(process.span_context.trace_state().header(), "vendor=one");
            }
        }
    }
}

#[tokio::test]
async fn it_is_known_by_the_properties_of_the_transport() {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for (headers, correlation) in [
        (&[("amqp-message-id", "17"), ("amqp-correlation-id", "12"), ("amqp-timestamp", "1700000000")][..], Some("12")),
        (&[("amqp-message-id", "17"), ("amqp-correlation-id", "17"), ("amqp-timestamp", "1700000000")], None),
        (&[("sqs-message-id", "17"), ("sqs-sent-timestamp", "1700000000000")], None),
        (&[("pubsub-message-id", "17"), ("pubsub-publish-time", "2023-11-14T22:13:20Z")], None),
    ] {
        let sent = sent_on(plain(headers)).await;
        assert_eq!(sent.header("ce-id"), Some("17"), "{headers:?}");
        assert_eq!(sent.header("ce-correlationid"), Some(correlation.unwrap_or("17")), "{headers:?}");
        assert_eq!(sent.header("ce-time"), Some("2023-11-14T22:13:20Z"), "{headers:?} at {time:?}");
    }
    assert_eq!(sent_on(plain(&[("sse-id", "17")])).await.header("ce-id"), Some("17"));
}

#[tokio::test]
async fn attributes_of_cloud_events_come_first() {
    let mut message = message("somebody-elses", "1");
    message.headers.extend(plain(&[("amqp-message-id", "99"), ("ce-eventhops", "3"), ("amqp-timestamp", "0")]).headers);
    let sent = sent_on(message).await;
    assert_eq!((sent.header("ce-id"), sent.header("ce-correlationid")), (Some("17"), Some("12")));
    assert_eq!(sent.header("ce-eventhops"), Some("4"), "it is sent on: a loop through a broker ends");
    assert_ne!(sent.header("ce-time"), Some("1970-01-01T00:00:00Z"));
}

#[tokio::test]
async fn what_is_broken_beside_it_costs_nobody_an_event() {
    let long = "x".repeat(70_000);
    for headers in [
        [("amqp-message-id", ""), ("amqp-timestamp", "soon")],
        [("amqp-message-id", "a\u{7}b"), ("amqp-timestamp", "18446744073709551615")],
        [("sqs-message-id", &*long), ("sqs-sent-timestamp", "18446744073709551615")],
        [("ce-specversion", "1.0"), ("ce-time", "noon")],
        [("traceparent", "zz"), ("pubsub-publish-time", "noon")],
    ] {
        let sent = sent_on(plain(&headers)).await;
        assert_eq!(sent.body, b"1");
        let id = sent.header("ce-id").expect("it has one");
        assert!(id.len() < 64 && !id.contains('\u{7}'), "{id}");
    }
}

#[tokio::test]
async fn its_span_says_which_message_it_was() {
    let traces = Traces::start();
    let memory = Memory::new();
    let known = plain(&[("amqp-message-id", "17"), ("amqp-correlation-id", "12")]);
    memory.put("dishes", known).expect("there is room");
    let app = Lifespan::builder().source(memory.source("dishes").named("dish-washed"));
    let app = app.start().await.expect("it starts");
    // It begins before the lifespan ends, which is why its batch is not waited for.
    tokio::task::yield_now().await;
    app.shutdown().await.expect("it ends");
    let process = traces.one("process dishes");
    let said = attributes(&process);
    assert_eq!((&*said["messaging.message.id"], &*said["messaging.message.conversation_id"]), ("17", "12"));
}
