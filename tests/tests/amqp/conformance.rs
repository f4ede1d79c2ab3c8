//! The contract of transports, over a real broker.

use events::Source as _;
use events::amqp::{Amqp, AmqpExchange, AmqpQueue, AmqpSink, AmqpSource};
use events::testing::{Transport, assert_conformance};

use crate::broker;

struct RabbitMq {
    amqp: Amqp,
    queue: fn(&str) -> AmqpQueue,
    kind: &'static str,
}

impl Transport for RabbitMq {
    type Sink = AmqpSink;
    type Source = AmqpSource;

    async fn pair(&self, name: &str) -> (AmqpSink, AmqpSource) {
        let name = format!("{}-{name}", self.kind);
        let exchange = AmqpExchange::topic(&name);
        let source = self.amqp.source((self.queue)(&name).bound(exchange.clone(), "#"));
        drop(source.connect(1).await.expect("the queue is declared"));
        (self.amqp.sink(exchange), source)
    }
}

#[tokio::test]
async fn rabbitmq_keeps_the_contract() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let amqp = broker.amqp();
    assert_conformance(&RabbitMq { amqp: amqp.clone(), queue: |name| AmqpQueue::classic(name), kind: "classic" }).await;
    assert_conformance(&RabbitMq { amqp, queue: |name| AmqpQueue::quorum(name), kind: "quorum" }).await;
}
