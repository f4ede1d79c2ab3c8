//! An exchange of a broker that events go to.

use std::fmt;

use super::publish::Form;
use super::publishers::{Publishers, WINDOW};
use super::{Amqp, AmqpExchange, ROUTING_KEY};
use crate::envelope::Envelope;
use crate::format::{CloudEvents, Format};
use crate::sink::{Sink, SinkError};
use crate::telemetry::Destination;

/// Publishes events to an exchange of a broker: [`Amqp::sink`].
///
/// A message is persistent, and counts as sent when the broker has confirmed it. A batch of up to 1,000 messages is published as a
/// whole, and then its confirmations are waited for. Batches that come while all channels are at work wait, and go together, up to
/// 1,000 messages, when one is free: many scopes with an event each are published nearly as fast as one with many.
///
/// A message that no queue takes is returned by the broker, which is a permanent error that says why; so is one that the broker
/// takes offence at: too large, for an exchange that does not exist, or without the right. Such a one ends the channel, and the
/// others that went with it are published again, at last each on its own. Whatever else is wrong is tried again.
///
/// Beside what the format says, the message has the event's identity, the correlation, the name and the time in the properties
/// `message_id`, `correlation_id`, `type` and `timestamp`.
///
/// What came from a queue is not sent back into it by the exchange named `""`, whose routing keys are names of queues, unless
/// it is to go [back](crate::SinkExt::also_back) too, or keys are [made](Self::routed_by). Where the others lead, the broker
/// alone knows: what is sent on to where it came from comes again, until it has been sent on
/// [too often](crate::LifespanBuilder::max_hops), and is then settled as [invalid](crate::SourceExt::on_invalid).
#[must_use = "it is given to `LifespanBuilder::sink`"]
pub struct AmqpSink {
    publishers: Publishers,
}

impl AmqpSink {
    pub(super) fn new(amqp: Amqp, exchange: AmqpExchange) -> Self {
        let form = Form { exchange, route: None, format: Box::new(CloudEvents::binary()) };
        Self { publishers: Publishers::new(amqp, form) }
    }

    /// Makes the routing key of each event. Without it, that is the event's name. Where an exchange spreads messages over queues
    /// by a hash of the routing key, it is the [partition key](Envelope::partition_key) that keeps events in order.
    pub fn routed_by(mut self, route: impl Fn(&Envelope) -> String + Send + Sync + 'static) -> Self {
        self.publishers.form.route = Some(Box::new(route));
        self
    }

    /// Says how events are written into messages. Without it, they are `CloudEvents` in binary mode.
    pub fn format(mut self, format: impl Format) -> Self {
        self.publishers.form.format = Box::new(format);
        self
    }
}

impl Sink for AmqpSink {
    async fn send(&self, envelope: &Envelope) -> Result<(), SinkError> {
        self.send_many(std::slice::from_ref(envelope)).await.pop().unwrap_or(Ok(()))
    }

    async fn send_many(&self, envelopes: &[Envelope]) -> Vec<Result<(), SinkError>> {
        self.publishers.publish(envelopes).await
    }

    fn max_batch(&self) -> usize {
        WINDOW
    }

    fn leads_only_to(&self, name: &str, address: &str) -> bool {
        let Publishers { amqp, form, .. } = &self.publishers;
        form.exchange.name.is_empty() && form.route.is_none() && address == amqp.queue_address(name)
    }

    fn label(&self) -> Option<String> {
        let Publishers { amqp, form, .. } = &self.publishers;
        Some(format!("{}/{}", amqp.links.address, form.exchange.name))
    }

    fn destination(&self, envelope: &Envelope) -> Destination {
        let Publishers { amqp, form, .. } = &self.publishers;
        // Not the routing key, of which there may be any number.
        let name = Some(form.exchange.name.clone()).filter(|name| !name.is_empty());
        let destination = amqp.destination(name.unwrap_or_else(|| "amq.default".into()));
        match form.route {
            None => destination.with(ROUTING_KEY, envelope.name()),
            // It is made once, when the message is written.
            Some(_) => destination,
        }
    }

    async fn close(&self) -> Result<(), SinkError> {
        self.publishers.close().await
    }
}

impl fmt::Debug for AmqpSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Publishers { amqp, form, .. } = &self.publishers;
        f.debug_struct("AmqpSink").field("amqp", amqp).field("exchange", &form.exchange.name).finish_non_exhaustive()
    }
}
