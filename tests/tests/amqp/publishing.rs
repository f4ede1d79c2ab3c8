//! Events that are published by many at a time.

use std::collections::BTreeSet;
use std::time::Duration;

use events::amqp::{AmqpExchange, AmqpQueue};
use events::{Envelope, Incoming as _, Sink as _, SinkError, Source as _};
use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use tokio::time::timeout;

use crate::broker;

fn envelope(number: usize, body: &str) -> Envelope {
    Envelope::new("invoice", body).with_id(&number.to_string()).with_origin("/post")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_many_gets_its_own_answer() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let amqp = broker.amqp();
    let exchange = AmqpExchange::direct("invoices");
    let source = amqp.source(AmqpQueue::classic("invoices").bound(exchange.clone(), "here"));
    drop(source.connect(1).await.expect("it is declared"));
    let sink = amqp.sink(exchange).routed_by(|envelope| {
        let nowhere = envelope.payload() == b"\"nowhere\"";
        if nowhere { "nowhere" } else { "here" }.into()
    });
    let large = format!("\"{}\"", "9".repeat(100_000));
    let bodies = |number| match number % 50 {
        20 => &*large,
        7 | 8 | 30 => "\"nowhere\"",
        _ => "\"here\"",
    };
    let envelopes: Vec<_> = (0..200).map(|number| envelope(number, bodies(number))).collect();
    let answers: Vec<Result<(), SinkError>> = join_all(envelopes.iter().map(|envelope| sink.send(envelope))).await;
    for (number, answer) in answers.into_iter().enumerate() {
        let said = answer.as_ref().map_or_else(ToString::to_string, |()| String::new());
        match number % 50 {
            20 => assert!(said.contains("larger than configured max size 100000"), "{number}: {said}"),
            7 | 8 | 30 => assert!(said.contains("312 NO_ROUTE"), "{number}: {said}"),
            _ => assert!(answer.is_ok(), "{number}: {said}"),
        }
        assert!(answer.is_ok() || answer.is_err_and(|error| error.is_permanent()), "{number}: {said}");
    }
    sink.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_given_up_takes_nobody_along() {
    const COUNT: usize = 2000;
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let amqp = broker.amqp();
    let source = amqp.source(AmqpQueue::classic("given-up"));
    let mut incoming = source.connect(usize::MAX).await.expect("it is declared");
    let sink = amqp.sink("").routed_by(|_| "given-up".into());
    let sends = (0..COUNT).map(|number| {
        let sink = &sink;
        async move {
            let envelope = envelope(number, "null");
            match number % 3 {
                0 => timeout(Duration::from_micros(number as u64 % 97 * 50), sink.send(&envelope)).await.ok(),
                _ => Some(sink.send(&envelope).await),
            }
        }
    });
    // More than there are channels, so that some wait while others are published.
    let answers: Vec<_> = stream::iter(sends).buffered(100).collect().await;
    let failed: Vec<_> = answers.iter().enumerate().filter(|(_, answer)| matches!(answer, Some(Err(_)))).collect();
    assert!(failed.is_empty(), "{failed:?}");
    let given_up = answers.iter().filter(|answer| answer.is_none()).count();
    assert!(given_up > 0, "some were too slow");
    let sent = (0..COUNT).filter(|number| answers[*number].is_some());
    let mut left: BTreeSet<_> = sent.map(|number| number.to_string()).collect();
    while !left.is_empty() {
        let received = timeout(Duration::from_mins(1), incoming.next()).await.expect("in time").expect("a message");
        left.remove(received.message().header("ce-id").expect("it is a CloudEvent"));
    }
    println!("{given_up} of {COUNT} were given up");
    sink.close().await.expect("closed");
}
