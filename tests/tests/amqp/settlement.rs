//! What becomes of messages, and of events that cannot be messages.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use events::amqp::{AmqpExchange, AmqpQueue};
use events::{Envelope, Event, Lifespan, Mark, Message, ScopeValue, Sink as _, SourceExt as _, State, on};
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use serde::Deserialize;

use crate::support::{Log, start_with};
use crate::{broker, until};

#[derive(Event, Deserialize)]
struct Letter(u32);

/// What each number means.
#[on]
async fn read(event: &Letter, mark: Mark, raw: ScopeValue<Message>, log: State<Log>) -> Result<(), String> {
    log.write(format!("{} {}", event.0, raw.header("amqp-redelivered").unwrap_or("-")));
    match (event.0, raw.header("amqp-redelivered")) {
        (1, _) => mark.reject(),
        (2, Some("false")) => mark.requeue(),
        (3, Some("false")) => return Err("no mark".into()),
        _ => {}
    }
    Ok(())
}

#[derive(Event, Deserialize)]
struct DeadLetter;

#[on]
fn dead(_: &DeadLetter, raw: ScopeValue<Message>, log: State<Log>) {
    let death = raw.header("x-death").unwrap_or("-");
    let body = String::from_utf8_lossy(&raw.body);
    log.write(format!("{body} {}", death.contains(r#""queue":"letters""#) && death.contains(r#""reason":"rejected""#)));
}

#[tokio::test]
async fn acknowledged_is_gone_requeued_comes_again_and_rejected_goes_to_the_dead_letters() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let amqp = broker.amqp();
    let exchange = AmqpExchange::fanout("dead-letters");
    let dead = AmqpQueue::classic("dead-letters").bound(exchange.clone(), "");
    let letters = AmqpQueue::classic("letters").dead_letters(exchange);
    // A body of a dead letter is not its payload.
    let builder = Lifespan::builder().source(amqp.source(dead).format(Dead));
    let (app, log) = start_with(builder.source(amqp.source(letters).named("letter"))).await;
    let sink = amqp.sink("").routed_by(|_| "letters".into()).format(Bare);
    until("the queue is there", async || sink.send(&Envelope::new("letter", "0")).await.is_ok()).await;
    let sent = sink.send_many(&["1", "2", "3", "no number"].map(|body| Envelope::new("letter", body))).await;
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    let all = ["0 false", "1 false", "2 false", "2 true", "3 false", "3 true", "1 true", "no number true"];
    // "1 true" is that the dead letter has been rejected in `letters`.
    until("all were settled", async || all.iter().all(|line| log.count(line) == 1)).await;
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take().len(), all.len());
    let (_connection, channel) = broker.raw().await;
    for queue in ["letters", "dead-letters"] {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let state = channel.queue_declare(queue.into(), passive, FieldTable::default()).await.expect("it is there");
        assert_eq!(state.message_count(), 0, "{queue} is empty");
    }
}

/// The payload, and nothing else.
struct Bare;

impl events::Format for Bare {
    fn encode(&self, envelope: &Envelope) -> Result<Message, events::FormatError> {
        Ok(Message { body: envelope.payload().into(), ..Message::default() })
    }

    fn decode(&self, message: &Message) -> Result<Envelope, events::FormatError> {
        Ok(Envelope::new("letter", message.body.clone()))
    }
}

/// Whatever it is, it is a dead letter.
struct Dead;

impl events::Format for Dead {
    fn encode(&self, _: &Envelope) -> Result<Message, events::FormatError> {
        Err(events::FormatError::new("it is only read"))
    }

    fn decode(&self, _: &Message) -> Result<Envelope, events::FormatError> {
        Ok(Envelope::new("dead-letter", "null"))
    }
}

#[derive(Event, Deserialize)]
struct Slow;

#[on]
async fn slow(_: &Slow, open: Option<State<tokio::sync::Semaphore>>, log: State<Log>) {
    log.write("begun");
    open.expect("this one has it").acquire().await.expect("never closed").forget();
}

#[tokio::test]
async fn the_broker_delivers_no_more_than_the_prefetch_ahead() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let amqp = broker.amqp();
    let source = amqp.source(AmqpQueue::classic("slow")).named("slow").prefetch(3).concurrency(100);
    let builder = Lifespan::builder().source(source).state(tokio::sync::Semaphore::new(0));
    let (app, log) = start_with(builder).await;
    let sink = amqp.sink("").format(Bare);
    until("the queue is there", async || sink.send(&Envelope::new("slow", "null")).await.is_ok()).await;
    let sent = sink.send_many(&vec![Envelope::new("slow", "null"); 9]).await;
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    let (_connection, channel) = broker.raw().await;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let ready = async || {
        let state = channel.queue_declare("slow".into(), passive, FieldTable::default()).await;
        state.expect("it is there").message_count()
    };
    until("three are with us", async || log.count("begun") == 3 && ready().await == 7).await;
    app.state::<tokio::sync::Semaphore>().expect("it was given").add_permits(2);
    until("two more are", async || log.count("begun") == 5 && ready().await == 5).await;
    app.state::<tokio::sync::Semaphore>().expect("it was given").add_permits(100);
    until("all are", async || log.count("begun") == 10 && ready().await == 0).await;
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn what_no_queue_takes_is_a_permanent_error_of_that_event_alone() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let amqp = broker.amqp();
    let exchange = AmqpExchange::direct("odds");
    let queue = AmqpQueue::classic("odds").bound(exchange.clone(), "odd");
    let (app, log) = start_with(Lifespan::builder().source(amqp.source(queue).named("letter"))).await;
    let sink = amqp.sink(exchange).format(Bare).routed_by(|envelope| {
        let odd = envelope.payload().last().is_some_and(|digit| digit % 2 == 1);
        if odd { "odd" } else { "even" }.into()
    });
    until("bound", async || sink.send(&Envelope::new("letter", "101")).await.is_ok()).await;
    let envelopes: Vec<_> = (102..=201).map(|number| Envelope::new("letter", number.to_string())).collect();
    for (envelope, answer) in envelopes.iter().zip(sink.send_many(&envelopes).await) {
        let odd = envelope.payload().last().is_some_and(|digit| digit % 2 == 1);
        match answer {
            Ok(()) => assert!(odd, "{:?} has no queue", envelope.payload()),
            Err(error) => {
                assert!(!odd && error.is_permanent(), "{error}");
                let told = "the broker returned the message: 312 NO_ROUTE: bind a queue to exchange `odds` with routing key `even`";
                assert_eq!(error.to_string(), told);
            }
        }
    }
    until("the odd ones came", async || (101..=201).step_by(2).all(|odd| log.count(&format!("{odd} false")) == 1))
        .await;
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take().len(), 51);
    sink.close().await.expect("closed");
}

#[tokio::test]
async fn what_cannot_be_published_is_a_permanent_error_that_says_why() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let amqp = broker.amqp();
    let envelope = Envelope::new("letter", "1").with_id("1").with_origin("/post");
    let error = amqp.sink("nowhere").send(&envelope).await.expect_err("no such exchange");
    assert!(error.is_permanent() && error.to_string().contains("no exchange 'nowhere'"), "{error}");
    let sink = amqp.sink("").routed_by(|_| "k".repeat(256));
    let error = sink.send(&envelope).await.expect_err("too long");
    assert!(
        error.is_permanent() && error.to_string().ends_with("has 256 bytes, and a name has at most 255 in AMQP"),
        "{error}"
    );
    // The other type of the exchange may change: this is tried again.
    let error = amqp.sink(AmqpExchange::fanout("amq.topic")).send(&envelope).await.expect_err("another type");
    assert!(!error.is_permanent() && error.to_string().starts_with("cannot declare exchange `amq.topic`: "), "{error}");
}

#[tokio::test]
async fn a_queue_that_is_not_there_keeps_one_source_waiting_until_it_appears() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let amqp = broker.amqp();
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    let late = amqp.source("late").named("letter").on_attempt(move |error, attempt| {
        telling.lock().expect("nobody panics").push(format!("{attempt} {error}"));
    });
    let early = amqp.source(AmqpQueue::classic("early")).named("letter");
    let (app, log) = start_with(Lifespan::builder().source(late).source(early)).await;
    let sink = |queue: &'static str| amqp.sink("").routed_by(move |_| queue.into()).format(Bare);
    let early = sink("early");
    until("the other one works", async || early.send(&Envelope::new("letter", "301")).await.is_ok()).await;
    until("it came", async || log.count("301 false") == 1).await;
    until("it was tried", async || told.lock().expect("nobody panics").len() > 1).await;
    let first = told.lock().expect("nobody panics").remove(0);
    assert_eq!(first, "1 cannot read queue `late`: NOT_FOUND - no queue 'late' in vhost '/'");
    let (_connection, channel) = broker.raw().await;
    let options = QueueDeclareOptions::durable();
    channel.queue_declare("late".into(), options, FieldTable::default()).await.expect("a queue");
    sink("late").send(&Envelope::new("letter", "302")).await.expect("sent");
    until("it was found", async || log.count("302 false") == 1).await;
    // What was deleted under a source is waited for again.
    channel.queue_delete("late".into(), lapin::options::QueueDeleteOptions::default()).await.expect("deleted");
    tokio::time::sleep(Duration::from_millis(1)).await;
    channel.queue_declare("late".into(), options, FieldTable::default()).await.expect("a queue");
    sink("late").send(&Envelope::new("letter", "303")).await.expect("sent");
    until("it was found again", async || log.count("303 false") == 1).await;
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn a_message_that_is_too_large_keeps_no_other_one_from_being_sent() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let amqp = broker.amqp();
    let (app, log) =
        start_with(Lifespan::builder().source(amqp.source(AmqpQueue::classic("sizes")).named("letter"))).await;
    let sink = amqp.sink("").routed_by(|_| "sizes".into()).format(Bare);
    until("the queue is there", async || sink.send(&Envelope::new("letter", "401")).await.is_ok()).await;
    let envelopes = ["402".into(), "9".repeat(100_001), "403".into()].map(|body| Envelope::new("letter", body));
    let answers = sink.send_many(&envelopes).await;
    let [Ok(()), Err(error), Ok(())] = &answers[..] else { panic!("{answers:?}") };
    assert!(error.is_permanent() && error.to_string().contains("larger than configured max size 100000"), "{error}");
    // What came before it may have been confirmed too late, and be there twice.
    until("the others came", async || ["402 false", "403 false"].iter().all(|line| log.count(line) > 0)).await;
    app.shutdown().await.expect("from outside");
}
