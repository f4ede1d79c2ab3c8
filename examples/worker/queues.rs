//! The queues that the worker drains, inside of the process and of `RabbitMQ`.

use std::fmt::Display;

use events::amqp::{Amqp, AmqpQueue, AmqpSink, AmqpSource};
use events::{Envelope, Memory, Message, Sink as _, Source as _};

/// What others have put into the queues, each with the name of its event. Each hundredth order is no order, and each sixtieth
/// payment is none.
fn messages() -> impl Iterator<Item = (&'static str, &'static str, String)> {
    let orders = (0..1_000).map(|number| {
        let pieces = if number % 100 == 99 { 0 } else { 1 + number % 7 };
        let body = format!(r#"{{"customer":"customer {}","pieces":{pieces}}}"#, number % 10);
        ("orders", "order-placed", body)
    });
    let payments = (0..300).map(|number| {
        let cents = if number % 60 == 0 { 0 } else { 100 };
        ("payments", "payment-arrived", format!(r#"{{"customer":"customer {}","cents":{cents}}}"#, number % 10))
    });
    orders.chain(payments)
}

/// The queues inside of the process, full.
pub(crate) fn filled() -> Result<Memory, String> {
    let memory = Memory::new();
    memory.bind("results", "pieces-counted");
    for (queue, _, body) in messages() {
        memory
            .put(queue, Message { body: body.into(), ..Message::default() })
            .map_err(|_| format!("`{queue}` is full"))?;
    }
    Ok(memory)
}

/// Orders, payments, and where results go.
pub(crate) async fn of_rabbitmq(url: &str, fill: bool) -> Result<(AmqpSource, AmqpSource, AmqpSink), String> {
    let amqp = Amqp::new(url).map_err(text)?.connection_name("worker");
    let [orders, payments, results] =
        ["orders", "payments", "results"].map(|queue| amqp.source(AmqpQueue::classic(queue)));
    // Whoever reads a queue has made it, and nobody here reads this one.
    drop(results.connect(1).await.map_err(text)?);
    if fill {
        for queue in [&orders, &payments] {
            drop(queue.connect(1).await.map_err(text)?);
        }
        put_all(&amqp).await?;
    }
    Ok((orders, payments, amqp.sink("").routed_by(|_| "results".into())))
}

async fn put_all(amqp: &Amqp) -> Result<(), String> {
    for queue in ["orders", "payments"] {
        let envelopes = messages().enumerate().filter(|(_, (to, ..))| *to == queue).map(|(number, (_, name, body))| {
            Envelope::new(name, body).with_id(&number.to_string()).with_origin("/shop")
        });
        let sink = amqp.sink("").routed_by(move |_| queue.into());
        for batch in envelopes.collect::<Vec<_>>().chunks(sink.max_batch()) {
            sink.send_many(batch).await.into_iter().collect::<Result<(), _>>().map_err(text)?;
        }
        sink.close().await.map_err(text)?;
    }
    Ok(())
}

fn text(error: impl Display) -> String {
    error.to_string()
}
