//! The contract of transports, over a real broker.

use events::Source as _;
use events::amqp::{AmqpExchange, AmqpQueue, AmqpSink, AmqpSource};
use events::testing::{Transport, assert_conformance};
use lapin::BasicProperties;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};

use crate::broker::{self, Broker};

struct RabbitMq {
    broker: &'static Broker,
    queue: fn(&str) -> AmqpQueue,
    kind: &'static str,
}

impl Transport for RabbitMq {
    type Sink = AmqpSink;
    type Source = AmqpSource;

    async fn pair(&self, name: &str) -> (AmqpSink, AmqpSource) {
        let name = format!("{}-{name}", self.kind);
        let exchange = AmqpExchange::topic(&name);
        let amqp = self.broker.amqp();
        let source = amqp.source((self.queue)(&name).bound(exchange.clone(), "#"));
        drop(source.connect(1).await.expect("the queue is declared"));
        (amqp.sink(exchange), source)
    }

    async fn put(&self, name: &str, body: &[u8]) -> bool {
        let (_connection, channel) = self.broker.raw().await;
        let (queue, properties) = (format!("{}-{name}", self.kind), BasicProperties::default());
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("it confirms");
        let put =
            channel.basic_publish("".into(), queue.into(), BasicPublishOptions::default(), body, properties).await;
        put.expect("sent").await.expect("confirmed");
        true
    }
}

#[tokio::test]
async fn rabbitmq_keeps_the_contract() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    assert_conformance(&RabbitMq { broker, queue: |name| AmqpQueue::classic(name), kind: "classic" }).await;
    assert_conformance(&RabbitMq { broker, queue: |name| AmqpQueue::quorum(name), kind: "quorum" }).await;
}
