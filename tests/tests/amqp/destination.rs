//! What traces call a broker's exchanges and queues: few names, however many routing keys there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use events::amqp::Amqp;
use events::{Destination, Envelope, Message, Sink as _, Source as _};

fn key(destination: &Destination) -> Option<&str> {
    let mut attributes = destination.attributes();
    attributes.find(|(name, _)| *name == "messaging.rabbitmq.destination.routing_key").map(|(_, value)| value)
}

#[test]
fn a_sink_is_called_after_its_exchange() {
    let amqp = Amqp::new("amqp://localhost").expect("a good URL");
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let route = move |envelope: &Envelope| {
        counted.fetch_add(1, Ordering::Relaxed);
        format!("cats.{}", envelope.id())
    };
    for (exchange, name) in [("cats", "cats"), ("", "amq.default")] {
        let plain = amqp.sink(exchange);
        let routed = amqp.sink(exchange).routed_by(route.clone());
        for id in ["1", "2"] {
            let envelope = Envelope::new("cat-fed", "1").with_id(id);
            assert_eq!(
                (plain.destination(&envelope).name(), key(&plain.destination(&envelope))),
                (Some(name), Some("cat-fed"))
            );
            assert_eq!((routed.destination(&envelope).name(), key(&routed.destination(&envelope))), (Some(name), None));
        }
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0, "the closure is asked when a message is written, and then alone");
}

#[test]
fn a_source_is_called_after_the_exchange_and_its_queue() {
    let source = Amqp::new("amqp://localhost").expect("a good URL").source("kitchen");
    for (exchange, routing_key, name) in
        [("cats", "cats.17", "cats:kitchen"), ("", "kitchen", "kitchen"), ("cats", "cats.18", "cats:kitchen")]
    {
        let headers = [("amqp-exchange", exchange), ("amqp-routing-key", routing_key), ("amqp-delivery-tag", "3")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let destination = source.destination(&Message { headers, ..Message::default() });
        assert_eq!((destination.name(), key(&destination)), (Some(name), Some(routing_key)));
        assert!(
            destination
                .attributes()
                .any(|(name, value)| (name, value) == ("messaging.rabbitmq.message.delivery_tag", "3"))
        );
    }
}
