//! What becomes of events that are published.

use events::pubsub::PubSubSink;
use events::{
    CloudEvents, Envelope, Event, Format as _, Lifespan, Pair, Sink as _, SinkExt as _, SourceExt as _, State, on,
};
use futures_util::future::join_all;
use gcloud_googleapis::pubsub::v1::PubsubMessage;
use serde::{Deserialize, Serialize};
use tonic::Code;

use crate::service::{Options, Service, subscription, topic};
use crate::support::{Log, start_with};
use crate::{Bare, numbered, until};

fn fish(payload: &str) -> Envelope {
    let envelope = Envelope::new("cat-fed", payload).with_id("17").with_origin("/cafe").with_correlation("12");
    envelope.with_hops(2).with_time(std::time::UNIX_EPOCH).with_trace("00-ab-cd-01", Some("a=b"))
}

/// What a subscription has, as the service sees it.
fn kept(service: &Service, name: &str) -> Vec<PubsubMessage> {
    service.state().kept(&subscription(name))
}

#[tokio::test]
async fn attributes_are_those_of_cloudevents_in_binary_mode() {
    let service = Service::start().await;
    service.make("cats", Options::default());
    let sink = service.pubsub().sink("cats");
    sink.send(&fish(r#"{"fish":2}"#).with_partition_key("tom")).await.expect("published");
    let [message] = &kept(&service, "cats")[..] else { panic!("one message") };
    assert_eq!((&message.data[..], &*message.ordering_key), (&br#"{"fish":2}"#[..], "tom"));
    let mut attributes: Vec<_> = message.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
    attributes.sort();
    let expected = [
        "ce-correlationid=12",
        "ce-eventhops=2",
        "ce-id=17",
        "ce-partitionkey=tom",
        "ce-source=/cafe",
        "ce-specversion=1.0",
        "ce-time=1970-01-01T00:00:00Z",
        "ce-traceparent=00-ab-cd-01",
        "ce-tracestate=a=b",
        "ce-type=cat-fed",
        "content-type=application/json",
        "traceparent=00-ab-cd-01",
        "tracestate=a=b",
    ];
    assert_eq!(attributes, expected);
    let call = &service.calls("Publish")[0];
    let header =
        |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    assert_eq!(header("x-goog-request-params"), format!("topic={}", topic("cats")));
    assert!(header("user-agent").starts_with("events/"), "{}", header("user-agent"));
    assert_eq!(header("authorization"), "");
}

#[derive(Event, Serialize, Deserialize)]
struct CatFed {
    fish: u32,
}

#[on]
async fn count(event: &CatFed, log: State<Log>) {
    log.write(format!("{} fish", event.fish));
}

#[tokio::test]
async fn every_format_arrives() {
    let service = Service::start().await;
    let pubsub = service.pubsub();
    for name in ["binary", "structured", "pair"] {
        service.make(name, Options::default());
    }
    let builder = Lifespan::builder()
        .source(pubsub.source("binary"))
        .source(pubsub.source("structured"))
        .source(pubsub.source("pair").format(Pair));
    let (app, log) = start_with(builder).await;
    let sinks: [(u32, PubSubSink); 3] = [
        (1, pubsub.sink("binary")),
        (2, pubsub.sink(&topic("structured")).format(CloudEvents::structured())),
        (3, pubsub.sink("pair").format(Pair)),
    ];
    for (number, sink) in &sinks {
        sink.send(&fish(&format!(r#"{{"fish":{number}}}"#))).await.expect("published");
    }
    let all = ["1 fish", "2 fish", "3 fish"];
    until("all came", async || all.iter().all(|line| log.count(line) == 1)).await;
    app.shutdown().await.expect("from outside");
    assert_eq!([0; 3], ["binary", "structured", "pair"].map(|name| service.backlog(name)));
    assert_eq!(log.take().len(), 3);
    let structured = &service.calls("Publish")[1];
    assert!(structured.bodies[0].contains(r#""type":"cat-fed""#), "{structured:?}");
}

#[tokio::test]
async fn a_batch_goes_in_few_requests_and_is_answered_for_each() {
    let service = Service::start().await;
    service.make("batch", Options::default());
    let sink = service.pubsub().sink("batch").format(Bare);
    let answers = sink.send_many(&numbered(0..2500)).await;
    assert!(answers.len() == 2500 && answers.iter().all(Result::is_ok));
    let mut sizes: Vec<_> = service.calls("Publish").iter().map(|call| call.bodies.len()).collect();
    sizes.sort_unstable();
    assert_eq!((sizes, service.backlog("batch")), (vec![500, 1000, 1000], 2500));
}

#[tokio::test]
async fn what_is_too_large_is_a_permanent_error_of_that_event_alone() {
    let service = Service::start().await;
    service.make("sizes", Options::default());
    let sink = service.pubsub().sink("sizes").format(Bare);
    // Two that fit into a request alone, and not together.
    let envelopes = [1, 9_999_000, 10_000_000, 9_999_000, 2].map(|length| Envelope::new("size", vec![b'1'; length]));
    let answers = sink.send_many(&envelopes).await;
    let [Ok(()), Ok(()), Err(error), Ok(()), Ok(())] = &answers[..] else { panic!("{answers:?}") };
    assert!(error.is_permanent(), "{error}");
    let told = error.to_string();
    assert!(
        told.starts_with("the message has 100000") && told.ends_with("bytes, and Pub/Sub takes 10000000"),
        "{told}"
    );
    assert_eq!(service.backlog("sizes"), 4);
    // And they arrive, the large ones as well.
    let mut incoming = events::Source::connect(&service.pubsub().source("sizes"), 10).await.expect("a stream");
    let mut lengths = Vec::new();
    for _ in 0..4 {
        let received = events::Incoming::next(&mut incoming).await.expect("a message");
        lengths.push(received.message().body.len());
        received.settle(events::Settlement::Ack).await.expect("settled");
    }
    lengths.sort_unstable();
    assert_eq!(lengths, [1, 2, 9_999_000, 9_999_000]);
}

#[tokio::test]
async fn the_one_event_is_found_that_the_service_does_not_want() {
    let service = Service::start().await;
    service.make("rules", Options::default());
    for key in ["", "tom"] {
        let mut envelopes = numbered(0..100);
        envelopes[37] = Envelope::new("number", "\"forbidden\"");
        let sink = service.pubsub().sink("rules").format(Bare).ordered_by(|_| key.to_owned());
        let answers = sink.send_many(&envelopes).await;
        let refused: Vec<_> = (0..100).filter(|place| answers[*place].is_err()).collect();
        assert_eq!(refused, [37]);
        let error = answers[37].as_ref().expect_err("refused");
        let told = format!("cannot publish to `{}`: INVALID_ARGUMENT: a message is forbidden", topic("rules"));
        assert_eq!((error.is_permanent(), error.to_string()), (true, told));
    }
    let bodies: Vec<_> = kept(&service, "rules").into_iter().map(|message| message.data).collect();
    let expected: Vec<_> =
        (0..100).filter(|number| *number != 37).map(|number: u32| number.to_string().into_bytes()).collect();
    // With a key, what is behind it stays in order.
    assert_eq!(bodies[99..], expected);
    assert!(service.calls("Publish").len() <= 40, "by halves");
}

#[tokio::test]
async fn codes_say_what_is_tried_again() {
    let service = Service::start().await;
    service.make("codes", Options::default());
    let sink = service.pubsub().sink("codes").format(Bare);
    let envelope = Envelope::new("number", "1");
    for (code, is_permanent, told) in [
        (Code::Unavailable, false, "UNAVAILABLE: told to fail"),
        (Code::ResourceExhausted, false, "RESOURCE_EXHAUSTED: told to fail"),
        (Code::PermissionDenied, true, "PERMISSION_DENIED: told to fail: grant `roles/pubsub.publisher`"),
        (Code::Unauthenticated, true, "UNAUTHENTICATED: told to fail: look at the credentials"),
        (Code::FailedPrecondition, true, "FAILED_PRECONDITION: told to fail"),
    ] {
        service.fail("Publish", code, 1);
        let error = sink.send(&envelope).await.expect_err("told to fail");
        assert_eq!(error.to_string(), format!("cannot publish to `{}`: {told}", topic("codes")));
        assert_eq!(error.is_permanent(), is_permanent, "{error}");
    }
    let missing = service.pubsub().sink("nowhere").format(Bare).send(&envelope).await.expect_err("no such topic");
    let nowhere = topic("nowhere");
    let told = format!(
        "cannot publish to `{nowhere}`: NOT_FOUND: Resource not found (resource={nowhere}): create it, or look at the name and \
         the project"
    );
    assert_eq!((missing.is_permanent(), missing.to_string()), (true, told));
    let odd = service.pubsub().sink("new\nline").format(Bare).send(&envelope).await.expect_err("no such name");
    assert!(odd.is_permanent() && odd.to_string().contains("the name has characters that no name has"), "{odd}");
}

#[derive(Event, Serialize, Deserialize)]
struct Stamped(u32);

#[tokio::test]
async fn a_lifespan_publishes_through_an_outage() {
    let service = Service::start().await;
    service.make("outage", Options::default());
    service.fail("Publish", Code::Unavailable, 2);
    let sink = service.pubsub().sink("outage").format(Bare);
    let (app, _) = start_with(Lifespan::builder().sink("stamped", sink.only())).await;
    let sends = join_all((0..5).map(|number| app.deliver(Stamped(number)))).await;
    assert!(sends.into_iter().all(|sent| sent.is_ok_and(|sent| sent.is_ok())));
    app.shutdown().await.expect("from outside");
    assert_eq!(service.backlog("outage"), 5);
    assert!(Bare.decode(&events::Message::default()).is_err());
}
