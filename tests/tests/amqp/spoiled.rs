//! Messages that no library would publish, and that none reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use events::amqp::{AmqpExchange, AmqpQueue};
use events::{
    Envelope, Event, Format, FormatError, Lifespan, Message, ScopeValue, Sink as _, SourceExt as _, State, on,
};
use serde::Deserialize;

use crate::raw::{Raw, long, short};
use crate::support::{Log, start_with};
use crate::{broker, until};

#[derive(Event, Deserialize)]
struct Note(u32);

#[on]
async fn read(event: &Note, raw: ScopeValue<Message>, log: State<Log>) {
    let header = |name| raw.header(name).unwrap_or("-").to_owned();
    let deep = header("deep");
    let deep = if deep.len() > 50 { format!("{} deep", deep.matches('[').count()) } else { deep };
    log.write(format!(
        "{} {} {} {} {deep}",
        event.0,
        header("amqp-message-id"),
        header("amqp-routing-key"),
        header("n?")
    ));
}

/// A header whose value is arrays in arrays.
fn nested(depth: usize) -> Vec<u8> {
    let value = (0..depth).fold(Vec::new(), |inner, _| [b"A".to_vec(), long(&inner)].concat());
    long(&[short(b"deep"), value].concat())
}

#[tokio::test]
async fn messages_that_would_end_the_connection_or_the_process_are_handled() {
    const HEADERS: u16 = 0x2000;
    const MESSAGE_ID: u16 = 0x0080;
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let exchange = AmqpExchange::fanout("spoiled");
    let lost = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&lost);
    let source = broker.amqp().source(AmqpQueue::classic("spoiled").bound(exchange, "")).named("note");
    let source = source.on_attempt(move |_, _| {
        counting.fetch_add(1, Ordering::Relaxed);
    });
    let (app, log) = start_with(Lifespan::builder().source(source)).await;
    let (_connection, channel) = broker.raw().await;
    until("the queue is there", async || {
        let passive = lapin::options::QueueDeclareOptions { passive: true, ..Default::default() };
        let channel = if channel.status().connected() { channel.clone() } else { broker.raw().await.1 };
        channel.queue_declare("spoiled".into(), passive, lapin::types::FieldTable::default()).await.is_ok()
    })
    .await;
    let mut raw = Raw::open(broker).await;
    raw.publish("spoiled", b"key", MESSAGE_ID, &short(b"a\xffb"), b"1").await;
    raw.publish("spoiled", b"k\xe2\x82", 0, b"", b"2").await;
    raw.publish("spoiled", b"key", HEADERS, &long(&[&short(b"n\xff")[..], b"S\0\0\0\x02a\xff"].concat()), b"3").await;
    raw.publish("spoiled", b"key", HEADERS, &nested(20_000), b"4").await;
    raw.publish("spoiled", b"key", HEADERS, &nested(3), b"5").await;
    raw.close().await;
    let expected = ["1 a?b key - -", "2 - k?? - -", "3 - key a\u{fffd} -", "4 - key - 32 deep", "5 - key - [[[]]]"];
    until("all were handled", async || expected.iter().all(|line| log.count(line) == 1)).await;
    app.shutdown().await.expect("from outside");
    assert_eq!((log.take().len(), lost.load(Ordering::Relaxed)), (5, 0), "over one connection");
}

#[derive(Event, Deserialize)]
struct Tome(String);

#[on]
async fn weigh(event: &Tome, log: State<Log>) {
    let is_whole = event.0.bytes().all(|byte| byte == event.0.as_bytes()[0]);
    log.write(format!("{} {} {is_whole}", &event.0[..1], event.0.len()));
}

/// The payload, and nothing else.
struct Bare;

impl Format for Bare {
    fn encode(&self, envelope: &Envelope) -> Result<Message, FormatError> {
        Ok(Message { body: envelope.payload().into(), ..Message::default() })
    }

    fn decode(&self, _: &Message) -> Result<Envelope, FormatError> {
        Err(FormatError::new("it is only written"))
    }
}

#[tokio::test]
async fn bodies_as_large_as_the_broker_takes_them_come_whole() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let amqp = broker.amqp();
    let source = amqp.source(AmqpQueue::classic("tomes")).named("tome");
    let (app, log) = start_with(Lifespan::builder().source(source)).await;
    let sink = amqp.sink("").routed_by(|_| "tomes".into()).format(Bare);
    let tome = |letter: char| Envelope::new("tome", format!("\"{}\"", String::from(letter).repeat(99_998)));
    until("the queue is there", async || sink.send(&tome('z')).await.is_ok()).await;
    let letters: Vec<_> = ('a'..='t').collect();
    let sent = sink.send_many(&letters.iter().map(|letter| tome(*letter)).collect::<Vec<_>>()).await;
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    until("all came", async || letters.iter().all(|letter| log.count(&format!("{letter} 99998 true")) == 1)).await;
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take().len(), letters.len() + 1);
}
