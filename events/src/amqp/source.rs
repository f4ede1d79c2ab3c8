//! A queue of a broker that events come from.

use std::fmt;

use futures_util::StreamExt as _;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions, BasicRejectOptions};
use lapin::types::FieldTable;
use lapin::{Acker, Consumer};

use super::link::{Line, explain, opened, short};
use super::{Amqp, AmqpQueue, DELIVERY_TAG, ROUTING_KEY, message};
use crate::error::BoxError;
use crate::format::Message;
use crate::source::{Incoming, Received, Settle, Settlement, Source, SourceError};
use crate::telemetry::Destination;

/// Reads a queue of a broker: [`Amqp::source`].
///
/// The [prefetch](crate::SourceExt::prefetch) is the broker's: it delivers so many messages ahead, and no more before some are
/// settled. Nothing is settled by itself. [`Ack`](Settlement::Ack) takes the message out of the queue,
/// [`Requeue`](Settlement::Requeue) puts it back, and [`Reject`](Settlement::Reject) drops it, or has it go to the queue's
/// dead-letter exchange.
///
/// # What handlers see
///
/// The [`Message`](crate::Message) has the headers as text: numbers in decimal, tables and arrays as JSON, in which what is nested
/// deeper than 32 levels is `nested too deeply`. Names of headers, properties and routing keys are UTF-8: what a sender has put
/// there that is none is `?`, byte by byte. The properties of AMQP
/// stand beside them, where the message has them: `amqp-message-id`, `amqp-correlation-id`, `amqp-type`, `amqp-timestamp` in
/// seconds since 1970, `amqp-content-encoding`, `amqp-delivery-mode`, `amqp-priority`, `amqp-reply-to`, `amqp-expiration`,
/// `amqp-user-id`, `amqp-app-id`; and, always, `amqp-exchange`, `amqp-routing-key`, `amqp-redelivered` and `amqp-delivery-tag`. So
/// `source.named_by_header("amqp-routing-key")` takes the routing key for the event's name.
#[derive(Clone)]
#[must_use = "it is given to `LifespanBuilder::source`"]
pub struct AmqpSource {
    amqp: Amqp,
    queue: AmqpQueue,
}

impl AmqpSource {
    pub(super) fn new(amqp: Amqp, queue: AmqpQueue) -> Self {
        Self { amqp, queue }
    }

    async fn open(&self, prefetch: usize) -> Result<AmqpIncoming, BoxError> {
        let line = self.amqp.links.consuming.line().await?;
        self.queue.declare(&line.channel).await?;
        // Zero would mean without a bound.
        let prefetch = u16::try_from(prefetch.max(1)).unwrap_or(u16::MAX);
        let limited = line.channel.basic_qos(prefetch, BasicQosOptions::default()).await;
        limited.map_err(|error| explain("cannot set the prefetch", &error))?;
        let (queue, options) = (short(&self.queue.name)?, BasicConsumeOptions::default());
        let consumer = line.channel.basic_consume(queue, "".into(), options, FieldTable::default()).await;
        let consumer =
            consumer.map_err(|error| explain(&format!("cannot read queue `{}`", self.queue.name), &error))?;
        Ok(AmqpIncoming { consumer, queue: self.queue.name.clone(), line })
    }
}

impl Source for AmqpSource {
    type Incoming = AmqpIncoming;

    fn address(&self) -> String {
        self.amqp.queue_address(&self.queue.name)
    }

    fn destination(&self, message: &Message) -> Destination {
        let said = |header| message.header(header).filter(|text| !text.is_empty());
        let parts = [said("amqp-exchange"), Some(self.queue.name.as_str())];
        let destination = self.amqp.destination(parts.into_iter().flatten().collect::<Vec<_>>().join(":"));
        // Of which there may be any number.
        let own = [(ROUTING_KEY, said("amqp-routing-key")), (DELIVERY_TAG, said("amqp-delivery-tag"))];
        let own = own.into_iter().filter_map(|(attribute, value)| Some((attribute, value?)));
        own.fold(destination, |destination, (attribute, value)| destination.with(attribute, value))
    }

    async fn connect(&self, prefetch: usize) -> Result<AmqpIncoming, SourceError> {
        Ok(opened(self.open(prefetch)).await?)
    }
}

impl fmt::Debug for AmqpSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AmqpSource").field("address", &self.address()).finish_non_exhaustive()
    }
}

/// A channel that reads a queue of a broker.
pub struct AmqpIncoming {
    consumer: Consumer,
    queue: String,
    /// Closed behind the consumer.
    line: Line,
}

impl Incoming for AmqpIncoming {
    type Settle = AmqpSettle;

    async fn next(&mut self) -> Result<Received<AmqpSettle>, SourceError> {
        match self.consumer.next().await {
            Some(Ok(delivery)) => {
                let settle = AmqpSettle { acker: delivery.acker.clone() };
                Ok(Received::new(message::received(delivery), settle))
            }
            Some(Err(error)) => Err(explain(&format!("queue `{}` is not read any more", self.queue), &error).into()),
            None => Err(SourceError::new(format!(
                "queue `{}` is not read any more: it was deleted, or its channel was closed",
                self.queue
            ))),
        }
    }

    /// The broker answers when it has seen all settlements: until then they may be on their way.
    async fn close(self) -> Result<(), SourceError> {
        let Self { consumer, queue, line } = self;
        let closed = line.close().await;
        drop(consumer);
        closed.map_err(|error| explain(&format!("cannot close the channel of queue `{queue}`"), &error).into())
    }
}

impl fmt::Debug for AmqpIncoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AmqpIncoming").field("queue", &self.queue).finish_non_exhaustive()
    }
}

/// Settles a message out of a queue of a broker.
#[derive(Debug)]
pub struct AmqpSettle {
    acker: Acker,
}

impl Settle for AmqpSettle {
    async fn settle(self, settlement: Settlement) -> Result<(), SourceError> {
        let settled = match settlement {
            Settlement::Ack => self.acker.ack(BasicAckOptions::default()).await,
            Settlement::Requeue => {
                self.acker.nack(BasicNackOptions { requeue: true, ..BasicNackOptions::default() }).await
            }
            Settlement::Reject => self.acker.reject(BasicRejectOptions { requeue: false }).await,
        };
        match settled {
            Ok(true) => Ok(()),
            Ok(false) => Err(SourceError::new("the channel is closed: the message is delivered again")),
            Err(error) => Err(explain("the channel is closed, and the message may be delivered again", &error).into()),
        }
    }
}
