//! The work as somebody writes it who uses the client library.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{StreamExt as _, future::join_all, stream};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions, QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, Consumer};

use crate::broker::Broker;
use crate::work::{Meter, PREFETCH, Parcel, QUEUE, SCOPES, WINDOW};

pub(crate) struct Raw {
    publishing: Connection,
    consuming: Connection,
    channel: Channel,
}

impl Raw {
    pub(crate) async fn new(broker: &Broker) -> Self {
        let (publishing, channel) = broker.raw().await;
        let (consuming, _) = broker.raw().await;
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirmations");
        let options = QueueDeclareOptions::durable();
        channel.queue_declare(QUEUE.into(), options, FieldTable::default()).await.expect("a queue");
        Self { publishing, consuming, channel }
    }

    pub(crate) async fn purge(&self) {
        assert!(self.publishing.status().connected());
        self.channel.queue_purge(QUEUE.into(), QueuePurgeOptions::default()).await.expect("purged");
    }

    async fn consumer(&self) -> (Channel, Consumer) {
        let channel = self.consuming.create_channel().await.expect("a channel");
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await.expect("a prefetch");
        let (tag, arguments) = ("".into(), FieldTable::default());
        let consumer = channel.basic_consume(QUEUE.into(), tag, BasicConsumeOptions::default(), arguments).await;
        (channel, consumer.expect("a consumer"))
    }

    pub(crate) async fn consume(&self, messages: u32) -> Duration {
        let meter = Arc::new(Meter::new(messages));
        let (channel, mut consumer) = self.consumer().await;
        for _ in 0..messages {
            let delivery = consumer.next().await.expect("a message").expect("a message");
            let meter = Arc::clone(&meter);
            tokio::spawn(async move { handle(delivery, &meter).await });
        }
        let took = meter.took().await;
        while Arc::strong_count(&meter) > 1 {
            tokio::task::yield_now().await;
        }
        channel.close(200, "OK".into()).await.expect("closed");
        took
    }

    pub(crate) async fn publish(&self, messages: u32, size: usize) {
        let sends = (0..messages).map(|number| send(&self.channel, number, size));
        stream::iter(sends).buffer_unordered(WINDOW as usize).for_each(|()| async {}).await;
    }

    pub(crate) async fn scopes(&self, messages: u32, size: usize) {
        let clients = (0..SCOPES).map(|client| {
            let channel = self.channel.clone();
            tokio::spawn(async move {
                for number in (client..messages).step_by(SCOPES as usize) {
                    send(&channel, number, size).await;
                }
            })
        });
        join_all(clients).await.into_iter().for_each(|ended| ended.expect("it does not panic"));
    }
}

async fn handle(delivery: Delivery, meter: &Meter) {
    let parcel: Parcel = serde_json::from_slice(&delivery.data).expect("a parcel");
    meter.count(&parcel);
    delivery.ack(BasicAckOptions::default()).await.expect("settled");
}

/// Publishes one message, with what `events` says of an event.
async fn send(channel: &Channel, number: u32, size: usize) {
    let body = serde_json::to_vec(&Parcel::new(number, size)).expect("JSON");
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let confirm = channel.basic_publish("".into(), QUEUE.into(), options, &body, properties(number)).await;
    let confirmation = confirm.expect("published").await.expect("confirmed");
    assert_eq!(confirmation, Confirmation::Ack(None));
}

fn properties(number: u32) -> BasicProperties {
    let id = format!("0123456789abcdef0123456789abcdef-{number}");
    let mut headers = FieldTable::default();
    for (name, value) in [
        ("ce-specversion", "1.0"),
        ("ce-type", "parcel"),
        ("ce-source", "/events"),
        ("ce-id", &*id),
        ("ce-time", "2026-11-22T05:40:00.123456789Z"),
        ("ce-correlationid", &*id),
        ("ce-eventversion", "1"),
    ] {
        headers.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("later").as_secs();
    BasicProperties::default()
        .with_delivery_mode(2)
        .with_content_type("application/json".into())
        .with_type("parcel".into())
        .with_message_id(id.as_str().into())
        .with_correlation_id(id.as_str().into())
        .with_timestamp(now)
        .with_headers(headers)
}
