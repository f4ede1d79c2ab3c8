//! An exchange of a broker that events go to.

use std::fmt;

use super::publish::Draft;
use super::publishers::{Publishers, WINDOW};
use super::{Amqp, AmqpExchange, message};
use crate::envelope::Envelope;
use crate::error::BoxError;
use crate::format::{CloudEvents, Format};
use crate::sink::{Sink, SinkError};

type Route = dyn Fn(&Envelope) -> String + Send + Sync;

/// Publishes events to an exchange of a broker: [`Amqp::sink`].
///
/// A message is persistent, and counts as sent when the broker has confirmed it. A batch has up to 1,000 messages; batches that
/// come while all channels are at work wait together, and up to 1,000 messages of theirs are published as one, so that events
/// of many small scopes cost hardly more than those of a large one. A message that no queue takes is returned by the broker, which is a permanent error that says
/// why; so is one that the broker takes offence at: too large, for an exchange that does not exist, or without the right. Such
/// a one ends the channel, and the others of its batch are published again, each on its own. Whatever else is wrong is tried
/// again.
///
/// Beside what the format says, the message has the event's identity, the correlation, the name and the time in the properties
/// `message_id`, `correlation_id`, `type` and `timestamp`.
///
/// What came in from a queue is sent where the pattern says so, also into the same queue: mind loops, which end at
/// [`max_hops`](crate::LifespanBuilder::max_hops).
#[must_use = "it is given to `LifespanBuilder::sink`"]
pub struct AmqpSink {
    route: Option<Box<Route>>,
    format: Box<dyn Format>,
    publishers: Publishers,
}

impl AmqpSink {
    pub(super) fn new(amqp: Amqp, exchange: AmqpExchange) -> Self {
        Self { route: None, format: Box::new(CloudEvents::binary()), publishers: Publishers::new(amqp, exchange) }
    }

    /// Makes the routing key of each event. Without it, that is the event's name. Where an exchange spreads messages over queues
    /// by a hash of the routing key, it is the [partition key](Envelope::partition_key) that keeps events in order.
    pub fn routed_by(mut self, route: impl Fn(&Envelope) -> String + Send + Sync + 'static) -> Self {
        self.route = Some(Box::new(route));
        self
    }

    /// Says how events are written into messages. Without it, they are `CloudEvents` in binary mode.
    pub fn format(mut self, format: impl Format) -> Self {
        self.format = Box::new(format);
        self
    }

    fn draft(&self, envelope: &Envelope) -> Result<Draft, BoxError> {
        let message = self.format.encode(envelope)?;
        let routing_key = self.route.as_ref().map_or_else(|| envelope.name().to_owned(), |route| route(envelope));
        let properties = message::properties(envelope, &message)?;
        Draft::new(&self.publishers.exchange.name, &routing_key, properties, message.body)
    }
}

impl Sink for AmqpSink {
    async fn send(&self, envelope: &Envelope) -> Result<(), SinkError> {
        self.send_many(std::slice::from_ref(envelope)).await.pop().unwrap_or(Ok(()))
    }

    async fn send_many(&self, envelopes: &[Envelope]) -> Vec<Result<(), SinkError>> {
        let (mut answers, mut drafts) = (Vec::with_capacity(envelopes.len()), Vec::with_capacity(envelopes.len()));
        for envelope in envelopes {
            answers.push(self.draft(envelope).map(|draft| drafts.push(draft)).map_err(SinkError::permanent));
        }
        if drafts.is_empty() {
            return answers;
        }
        let mut published = self.publishers.publish(drafts.into()).await.into_iter();
        for answer in answers.iter_mut().filter(|answer| answer.is_ok()) {
            *answer = published.next().unwrap_or(Ok(()));
        }
        answers
    }

    fn max_batch(&self) -> usize {
        WINDOW
    }

    async fn close(&self) -> Result<(), SinkError> {
        self.publishers.close().await
    }
}

impl fmt::Debug for AmqpSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Publishers { amqp, exchange, .. } = &self.publishers;
        f.debug_struct("AmqpSink").field("amqp", amqp).field("exchange", &exchange.name).finish_non_exhaustive()
    }
}
