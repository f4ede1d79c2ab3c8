//! What must be there before it is used, and which of several brokers is meant.

use std::sync::{Arc, Mutex};

use events::amqp::{Amqp, AmqpExchange, AmqpQueue};
use events::{Envelope, Event, Lifespan, Mark, Sink as _, SinkExt as _, Source as _, SourceExt as _, State, on};
use lapin::ExchangeKind;
use lapin::options::{ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use serde::{Deserialize, Serialize};

use crate::broker::{self, SECOND};
use crate::support::{Log, start_with};
use crate::until;

#[derive(Event, Serialize, Deserialize)]
struct BoxMoved(u32);

#[on]
fn moved(event: &BoxMoved, log: State<Log>) {
    log.write(format!("moved {}", event.0));
}

fn moved_box(number: &str) -> Envelope {
    Envelope::new("box-moved", number).with_id(number).with_origin("/boxes")
}

#[tokio::test]
async fn what_is_verified_is_waited_for_and_said_to_be_missing() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let amqp = broker.amqp();
    let exchange = AmqpExchange::verified("verified");
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    let queue = AmqpQueue::verified("verified").bound(exchange.clone(), "box-moved");
    let source = amqp.source(queue).named("box-moved").on_attempt(move |error, _| {
        let mut told = telling.lock().expect("nobody panics");
        told.push(error.to_string());
        told.dedup();
    });
    let other = amqp.source(AmqpQueue::classic("beside-verified")).named("box-moved");
    let (app, log) = start_with(Lifespan::builder().source(source).source(other)).await;
    let beside = amqp.sink("").routed_by(|_| "beside-verified".into());
    until("the other one works", async || beside.send(&moved_box("7")).await.is_ok()).await;
    until("it came", async || log.count("moved 7") == 1).await;

    let error = amqp.sink(exchange.clone()).send(&moved_box("1")).await.expect_err("no such exchange");
    let missing = "cannot find exchange `verified`: NOT_FOUND - no exchange 'verified' in vhost '/'";
    assert_eq!((error.is_permanent(), error.to_string().as_str()), (false, missing));

    let (_connection, channel) = broker.raw().await;
    until("it was tried", async || !told.lock().expect("nobody panics").is_empty()).await;
    let none = FieldTable::default();
    channel.queue_declare("verified".into(), QueueDeclareOptions::durable(), none.clone()).await.expect("a queue");
    until("it was tried again", async || told.lock().expect("nobody panics").len() > 1).await;
    // Of whatever type it is.
    let options = ExchangeDeclareOptions::default();
    channel.exchange_declare("verified".into(), ExchangeKind::Fanout, options, none).await.expect("an exchange");
    let sink = amqp.sink(exchange);
    until("both are found", async || sink.send(&moved_box("1")).await.is_ok()).await;
    until("it came", async || log.count("moved 1") == 1).await;
    app.shutdown().await.expect("from outside");
    let queue = "cannot find queue `verified`: NOT_FOUND - no queue 'verified' in vhost '/'";
    assert_eq!(*told.lock().expect("nobody panics"), [queue, missing]);
}

#[tokio::test]
async fn what_is_only_found_cannot_be_told_where_dead_letters_go() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    for queue in [AmqpQueue::from("found"), AmqpQueue::verified("found")] {
        let error = broker.amqp().source(queue.dead_letters("amq.fanout")).connect(1).await.expect_err("not made here");
        let told = "queue `found` is not made here, and cannot be told where its dead letters go: ";
        assert!(error.to_string().starts_with(told), "{error}");
    }
    let lost = AmqpQueue::classic("lost").dead_letters(AmqpExchange::verified("nowhere-at-all"));
    let error = broker.amqp().source(lost).connect(1).await.expect_err("they would be dropped");
    let told = "cannot find exchange `nowhere-at-all`: NOT_FOUND - no exchange 'nowhere-at-all' in vhost '/'";
    assert_eq!(error.to_string(), told);
}

#[derive(Event, Deserialize)]
struct BoxStuck(u32);

#[on]
fn stuck(event: &BoxStuck, mark: Mark, log: State<Log>) {
    log.write(format!("stuck {}", event.0));
    mark.requeue();
}

#[tokio::test]
async fn what_comes_again_too_often_goes_to_the_dead_letters() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let amqp = broker.amqp();
    let exchange = AmqpExchange::fanout("stuck-boxes");
    let dead = AmqpQueue::classic("stuck-boxes").bound(exchange.clone(), "");
    let queue = AmqpQueue::quorum("stuck").dead_letters(exchange).delivery_limit(2);
    let sources = Lifespan::builder().source(amqp.source(dead).named("box-moved"));
    let (app, log) = start_with(sources.source(amqp.source(queue).named("box-stuck"))).await;
    let sink = amqp.sink("").routed_by(|_| "stuck".into());
    until("it is there", async || sink.send(&moved_box("9")).await.is_ok()).await;
    until("it is a dead letter", async || log.count("moved 9") == 1).await;
    app.shutdown().await.expect("from outside");
    assert_eq!(log.count("stuck 9"), 3, "once, and again twice");
    let classic = AmqpQueue::classic("stuck-too").delivery_limit(2);
    let error = amqp.source(classic).connect(1).await.expect_err("it has no such limit");
    assert!(error.to_string().starts_with("queue `stuck-too` has no limit of deliveries"), "{error}");
}

#[derive(Event, Serialize, Deserialize)]
struct BoxKept(u32);

#[on]
fn kept(event: &BoxKept, log: State<Log>) {
    log.write(format!("kept {}", event.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_lifespan_has_several_virtual_hosts_over_connections_with_names_of_their_own() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let first = broker.amqp().connection_name("first kitchen");
    let second = Amqp::new(&format!("{}/{SECOND}", broker.url())).expect("a good URL");
    let second = second.connection_name(&"n".repeat(9999));
    // They have one name, and the names of their events come from where they are.
    let queue = || AmqpQueue::classic("same-name");
    let sources = Lifespan::builder().source(first.source(queue()).named("box-moved"));
    let (kitchen, log) = start_with(sources.source(second.source(queue()).named("box-kept"))).await;
    let sink = |amqp: &Amqp| amqp.sink("").routed_by(|_| "same-name".into()).only();
    let sinks = Lifespan::builder().sink("box-moved", sink(&first)).sink("box-kept", sink(&second));
    let (shop, _) = start_with(sinks).await;
    until("sent", async || shop.deliver(BoxMoved(1)).await.is_ok_and(|delivery| delivery.is_ok())).await;
    until("sent", async || shop.deliver(BoxKept(2)).await.is_ok_and(|delivery| delivery.is_ok())).await;
    until("both came", async || log.count("moved 1") == 1 && log.count("kept 2") == 1).await;
    let listed = tokio::task::block_in_place(|| broker.listed("client_properties"));
    for name in ["first kitchen", &"n".repeat(200)] {
        for role in ["publishing", "consuming"] {
            let name = format!(r#"{{"connection_name","{name}, {role}"}}"#);
            assert_eq!(listed.iter().filter(|listed| listed.contains(&name)).count(), 1, "{name} in {listed:?}");
        }
    }
    shop.shutdown().await.expect("from outside");
    kitchen.shutdown().await.expect("from outside");
    assert_eq!(log.take().len(), 2);
}
