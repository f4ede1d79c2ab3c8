//! Ordering keys, in and out.

use std::time::Duration;

use events::{Envelope, Event, Incoming as _, Lifespan, Settlement, Sink as _, SinkExt as _, Source as _, dispatch};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tonic::Code;

use crate::service::{Options, Service, subscription};
use crate::support::start_with;
use crate::{Bare, numbered, until};

fn ordered() -> Options {
    Options { is_ordered: true, ..Options::default() }
}

/// The last digit.
fn digit(envelope: &Envelope) -> String {
    envelope.payload().last().map(|digit| char::from(*digit).to_string()).unwrap_or_default()
}

#[derive(Event, Serialize, Deserialize)]
struct Step(u32);

#[tokio::test]
async fn what_fails_holds_back_those_behind_it_and_no_others() {
    let service = Service::start().await;
    service.make("held", Options::default());
    let sink = service.pubsub().sink("held").format(Bare).ordered_by(digit);
    // Ten keys, each in one request; three of these fail.
    service.fail("Publish", Code::Unavailable, 3);
    let envelopes = numbered(0..1000);
    let answers = sink.send_many(&envelopes).await;
    let failed: Vec<_> =
        envelopes.iter().zip(&answers).filter(|(_, answer)| answer.is_err()).map(|(known, _)| digit(known)).collect();
    assert_eq!((failed.len(), service.backlog("held")), (300, 700));
    assert!(answers.iter().filter_map(|answer| answer.as_ref().err()).all(|error| !error.is_permanent()));
}

#[tokio::test]
async fn the_order_of_a_key_outlives_failures() {
    let service = Service::start().await;
    service.make("order", Options::default());
    // Large enough that each goes alone.
    let sink = service.pubsub().sink("order").format(Padded).ordered_by(|_| "tom".into());
    let builder =
        Lifespan::builder().sink("step", sink.only().backoff(Duration::from_millis(1)..=Duration::from_millis(5)));
    let (app, _) = start_with(builder).await;
    let failing = async {
        for calls in [1, 3, 4] {
            until("it is under way", async || service.calls("Publish").len() >= calls).await;
            service.fail("Publish", Code::Internal, 1);
        }
    };
    let publishing = app.scope(async {
        for number in 0..8 {
            dispatch(Step(number)).expect("a scope");
        }
    });
    tokio::join!(failing, publishing);
    app.shutdown().await.expect("from outside");
    let published: Vec<_> = service.calls("Publish").into_iter().filter(|call| call.is_answered).collect();
    let bodies: Vec<_> = published.iter().flat_map(|call| &call.bodies).map(|body| body.trim()).collect();
    assert_eq!(bodies, ["0", "1", "2", "3", "4", "5", "6", "7"]);
    assert!(service.calls("Publish").len() > 8, "some have failed");
}

/// The payload, and so much white space that two do not fit into a request.
struct Padded;

impl events::Format for Padded {
    fn encode(&self, envelope: &Envelope) -> Result<events::Message, events::FormatError> {
        let body = String::from_utf8_lossy(envelope.payload()).into_owned() + &" ".repeat(5_000_000);
        Ok(events::Message { body: body.into(), ..events::Message::default() })
    }

    fn decode(&self, _: &events::Message) -> Result<Envelope, events::FormatError> {
        Err(events::FormatError::new("it is only written"))
    }
}

#[tokio::test]
async fn a_message_waits_for_the_one_before_it_with_its_key() {
    let service = Service::start().await;
    service.make("keys", ordered());
    let sink = service.pubsub().sink("keys").format(Bare).ordered_by(digit);
    for envelope in [1, 11, 2, 21, 12].map(|number: u32| Envelope::new("number", number.to_string())) {
        sink.send(&envelope).await.expect("published");
    }
    let mut incoming = service.pubsub().source("keys").connect(10).await.expect("a stream");
    let (one, two) = (incoming.next().await.expect("1"), incoming.next().await.expect("2"));
    assert_eq!((&one.message().body[..], &two.message().body[..]), (&b"1"[..], &b"2"[..]));
    assert_eq!(one.message().header("pubsub-ordering-key"), Some("1"));
    let doubt = Duration::from_millis(200);
    assert!(timeout(doubt, incoming.next()).await.is_err(), "all others wait");
    two.settle(Settlement::Ack).await.expect("settled");
    let twelve = incoming.next().await.expect("12");
    assert_eq!(twelve.message().body, b"12");
    // One that comes again brings those behind it again, behind it.
    one.settle(Settlement::Requeue).await.expect("settled");
    for body in ["1", "11", "21"] {
        let next = incoming.next().await.expect("a message");
        assert_eq!(String::from_utf8_lossy(&next.message().body), body);
        next.settle(Settlement::Ack).await.expect("settled");
    }
    twelve.settle(Settlement::Ack).await.expect("settled");
    until("all are gone", async || service.backlog("keys") == 0).await;
}

#[tokio::test]
async fn what_waits_behind_another_one_is_not_given_to_others_before_it() {
    let service = Service::start().await;
    service.make("behind", ordered());
    let sink = service.pubsub().sink("behind").format(Bare).ordered_by(digit);
    for envelope in [1, 11, 21].map(|number: u32| Envelope::new("number", number.to_string())) {
        sink.send(&envelope).await.expect("published");
    }
    let source = service.pubsub().source("behind");
    let mut incoming = source.connect(10).await.expect("a stream");
    let one = incoming.next().await.expect("1");
    until("all are with us", async || service.state().out(&subscription("behind")) == 3).await;
    drop(incoming);
    let mut next = source.connect(10).await.expect("a stream");
    assert!(timeout(Duration::from_millis(200), next.next()).await.is_err(), "nobody has them yet");
    one.settle(Settlement::Ack).await.expect("settled");
    for body in ["11", "21"] {
        let received = next.next().await.expect("a message");
        assert_eq!(String::from_utf8_lossy(&received.message().body), body);
        received.settle(Settlement::Ack).await.expect("settled");
    }
    assert_eq!(service.backlog("behind"), 0);
}
