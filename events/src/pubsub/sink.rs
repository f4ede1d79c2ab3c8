//! A topic that events go to.

use std::fmt;

use super::message;
use super::publish::{Draft, MESSAGES, Publisher};
use super::service::Service;
use crate::envelope::Envelope;
use crate::error::BoxError;
use crate::format::{CloudEvents, Format};
use crate::sink::{Drafts, Sink, SinkError};
use crate::telemetry::Destination;

type Key = dyn Fn(&Envelope) -> String + Send + Sync;

/// Publishes events to a topic: [`PubSub::sink`](super::PubSub::sink).
///
/// An event counts as sent when the service has answered with the identity that it gave to the message. What one scope has
/// collected is published in requests of at most 1000 messages and 10,000,000 bytes, up to 16 of them at a time.
///
/// # Order
///
/// Events with one ordering key are published in the order of their scope: the next request with that key goes out when the one
/// before was answered. One that fails and can be tried again holds back those behind it: they are tried again with it, in order.
/// One that fails for good does not. A subscription delivers in that order if it was made with message ordering. Between scopes
/// there is no order; and an event that was published, but whose answer was lost, is published again, behind what was published
/// with it.
///
/// # Circles
///
/// Which subscriptions a topic has, the service alone knows: what came from one of them and is sent on to its topic comes again,
/// until it has been sent on [too often](crate::LifespanBuilder::max_hops).
///
/// # Errors
///
/// What another attempt cannot mend is a permanent error: `INVALID_ARGUMENT`, `NOT_FOUND`, `PERMISSION_DENIED` and all else that
/// the service's table of error codes has no retry for. `ABORTED`, `CANCELLED`, `DEADLINE_EXCEEDED`, `INTERNAL`,
/// `RESOURCE_EXHAUSTED`, `UNAVAILABLE`, `UNKNOWN` and a connection that is lost are tried again. When the service finds fault with
/// the arguments of a request, the request is published by halves, until the one event is found that it is about.
///
/// What the service would not take is a permanent error before anything is sent: a message of more than 10,000,000 bytes, or of
/// none and without an attribute; more than 100 attributes; an attribute whose name has more than 256 bytes, or whose value has
/// more than 1024; an ordering key of more than 1024. A `tracestate` that is longer is left out.
#[must_use = "it is given to `LifespanBuilder::sink`"]
pub struct PubSubSink {
    key: Option<Box<Key>>,
    format: Box<dyn Format>,
    publisher: Publisher,
}

impl PubSubSink {
    pub(super) fn new(service: Service, topic: String) -> Self {
        Self { key: None, format: Box::new(CloudEvents::binary()), publisher: Publisher::new(service, topic) }
    }

    /// Makes the ordering key of each event; an empty one is none. Without it, that is the event's
    /// [partition key](Envelope::partition_key).
    pub fn ordered_by(mut self, key: impl Fn(&Envelope) -> String + Send + Sync + 'static) -> Self {
        self.key = Some(Box::new(key));
        self
    }

    /// Says how events are written into messages. Without it, they are `CloudEvents` in binary mode.
    pub fn format(mut self, format: impl Format) -> Self {
        self.format = Box::new(format);
        self
    }

    fn draft(&self, envelope: &Envelope) -> Result<Draft, BoxError> {
        let message = self.format.encode(envelope)?;
        let own = || envelope.partition_key().unwrap_or_default().to_owned();
        let key = self.key.as_ref().map_or_else(own, |key| key(envelope));
        self.publisher.draft(message::outgoing(message, key)?)
    }
}

impl Sink for PubSubSink {
    async fn send(&self, envelope: &Envelope) -> Result<(), SinkError> {
        self.send_many(std::slice::from_ref(envelope)).await.pop().unwrap_or(Ok(()))
    }

    async fn send_many(&self, envelopes: &[Envelope]) -> Vec<Result<(), SinkError>> {
        let drafts = Drafts::of(envelopes, |envelope| self.draft(envelope).map_err(SinkError::permanent));
        let sent = self.publisher.publish(&drafts.all).await;
        drafts.answered(sent)
    }

    fn max_batch(&self) -> usize {
        MESSAGES
    }

    fn label(&self) -> Option<String> {
        Some(self.publisher.topic.clone())
    }

    fn destination(&self, _: &Envelope) -> Destination {
        self.publisher.destination()
    }

    async fn close(&self) -> Result<(), SinkError> {
        self.publisher.close().await;
        Ok(())
    }
}

impl fmt::Debug for PubSubSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PubSubSink").field("topic", &self.publisher.topic).finish_non_exhaustive()
    }
}
