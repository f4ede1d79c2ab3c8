//! Out to a broker, and in again.

use std::time::Duration;

use events::amqp::{AmqpExchange, AmqpQueue};
use events::{
    Envelope, Event, Incoming as _, Lifespan, Message, Metadata, ScopeValue, Sink as _, SinkExt as _, Source as _,
    SourceExt as _, State, dispatch, on,
};
use lapin::BasicProperties;
use lapin::options::{BasicPublishOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::support::{Log, start_with};
use crate::{broker, until};

#[derive(Debug, Event, Serialize, Deserialize)]
struct CatFed {
    fish: u32,
}

#[on]
async fn fed(event: &CatFed, metadata: Metadata, raw: Option<ScopeValue<Message>>, log: State<Log>) {
    let header = |name| raw.as_ref().and_then(|raw| raw.header(name)).unwrap_or("-").to_owned();
    let persistent = header("amqp-delivery-mode") == "2";
    let same = header("amqp-message-id") == metadata.id().to_string();
    log.write(format!("{} {persistent} {same} {}", event.fish, header("amqp-type")));
}

#[tokio::test]
async fn what_is_sent_is_confirmed_and_comes_in_elsewhere_with_its_identity() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let (out, back) = (broker.amqp(), broker.amqp());
    for queue in [AmqpQueue::classic("trip-classic"), AmqpQueue::quorum("trip-quorum")] {
        let exchange = AmqpExchange::topic("trip");
        let source = back.source(queue.bound(exchange.clone(), "#"));
        let (kitchen, log) = start_with(Lifespan::builder().source(source)).await;
        let sink = out.sink(exchange);
        let probe = Envelope::new("cat-fed", r#"{"fish":0}"#).with_id("probe").with_origin("/probe");
        until("bound", async || sink.send(&probe).await.is_ok()).await;
        let (shop, _) = start_with(Lifespan::builder().sink("cat-*", sink.only())).await;
        let feeding = async {
            for fish in 1..=250 {
                dispatch(CatFed { fish }).expect("accepted");
            }
        };
        shop.scope(feeding).await;
        let report = shop.shutdown().await.expect("from outside");
        assert_eq!((report.failed, report.aborted), (0, 0), "{report}");
        until("all are there", async || log.count("250 true true cat-fed") == 1).await;
        kitchen.shutdown().await.expect("from outside");
        let expected: Vec<_> = (0..=250).map(|fish| format!("{fish} true true cat-fed")).collect();
        let mut lines = log.take();
        lines.sort_by_key(|line| line.split(' ').next().and_then(|fish| fish.parse::<u32>().ok()));
        assert_eq!(lines, expected);
        let (_connection, channel) = broker.raw().await;
        channel.queue_unbind("trip-classic".into(), "trip".into(), "#".into(), FieldTable::default()).await.ok();
    }
}

#[derive(Event, Deserialize)]
struct MiceSeen(u32);

#[on]
fn seen(event: &MiceSeen, raw: ScopeValue<Message>, log: State<Log>) {
    let known = ["amqp-exchange", "amqp-routing-key", "amqp-redelivered", "amqp-reply-to", "where", "count", "deep"];
    let known: Vec<_> = known.iter().map(|name| raw.header(name).unwrap_or("-")).collect();
    log.write(format!("{} {:?} {}", event.0, raw.content_type, known.join(" ")));
}

#[tokio::test]
async fn messages_of_other_programs_show_their_headers_and_properties() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let (_connection, channel) = broker.raw().await;
    let none = FieldTable::default();
    channel.queue_declare("mice-seen".into(), QueueDeclareOptions::durable(), none).await.expect("a queue");
    let mut headers = FieldTable::default();
    headers.insert("where".into(), AMQPValue::LongString("cellar".into()));
    headers.insert("count".into(), AMQPValue::LongInt(-3));
    headers.insert("amqp-redelivered".into(), AMQPValue::LongString("a lie".into()));
    let mut deep = FieldTable::default();
    deep.insert("a".into(), AMQPValue::Boolean(true));
    headers.insert("deep".into(), AMQPValue::FieldTable(deep));
    let properties = BasicProperties::default().with_content_type("text/json".into()).with_headers(headers);
    let properties = properties.with_reply_to("me".into());
    let options = BasicPublishOptions::default();
    channel.basic_publish("".into(), "mice-seen".into(), options, b"7", properties).await.expect("sent");
    let source = broker.amqp().source("mice-seen").named_by_header("amqp-routing-key");
    let (app, log) = start_with(Lifespan::builder().source(source)).await;
    let expected = r#"7 Some("text/json")  mice-seen false me cellar -3 {"a":true}"#;
    until("it came", async || log.count(expected) == 1).await;
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn what_is_given_up_while_it_waits_loses_nothing() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let amqp = broker.amqp();
    // More than AMQP has a number for.
    let mut incoming = amqp.source(AmqpQueue::classic("patience")).connect(usize::MAX).await.expect("connected");
    let sink = amqp.sink("").routed_by(|_| "patience".into());
    let envelopes = vec![Envelope::new("mice-seen", "7").with_id("1").with_origin("/cellar"); 100];
    let given_up = timeout(Duration::ZERO, sink.send_many(&envelopes)).await;
    assert!(given_up.is_err(), "nobody answers that fast");
    let answers = sink.send_many(&envelopes).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let (mut received, mut patience) = (0, 0);
    while received < 100 {
        // Sometimes it waits for the network, sometimes something is there already.
        let next = timeout(Duration::from_micros(patience % 40), incoming.next()).await;
        received += usize::from(next.is_ok_and(|next| next.is_ok()));
        patience += 1;
        assert!(patience < 1_000_000, "{received} of 100");
    }
}
