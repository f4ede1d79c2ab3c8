//! A subscription that events come from.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::fault::Fault;
use super::proto::StreamingPullRequest;
use super::service::Service;
use super::session::{Command, Pull, Running, Session, Setup};
use super::settle::{Fate, ROLE};
use crate::format::Message;
use crate::metadata::random_part;
use crate::source::{Incoming, Received, Settle, Settlement, Source, SourceError};
use crate::telemetry::Destination;

/// How long it is waited for the service to refuse a stream. One that it opens it answers when it has something to say.
const GRACE: Duration = Duration::from_secs(3);
/// What the service sends ahead at most, in bytes.
const BYTES_AHEAD: i64 = 100 * 1024 * 1024;
/// The one in which both sides keep a stream alive by empty messages.
const PROTOCOL_VERSION: i64 = 1;

/// Reads a subscription: [`PubSub::source`](super::PubSub::source).
///
/// Messages come over a stream that the service sends them on. The [prefetch](crate::SourceExt::prefetch) is the service's: it
/// sends so many messages ahead, and at most 100 MiB, and no more before some are settled.
///
/// # Deadlines
///
/// The service delivers a message again when it has heard nothing of it for the [deadline](Self::ack_deadline). As long as a
/// message waits here or is handled, its deadline is extended, when a third of it has passed, until the message was here for
/// [an hour](Self::longest). So a handler may take longer than any deadline; and what a process had that has crashed is delivered
/// again when the deadline has passed.
///
/// # Settlement
///
/// | settlement | what the service is told |
/// |---|---|
/// | [`Ack`](Settlement::Ack) | the message is acknowledged |
/// | [`Requeue`](Settlement::Requeue) | its deadline is over: it comes again, at once or as the subscription's retry policy says |
/// | [`Reject`](Settlement::Reject) | as for `Requeue` where the subscription has a dead-letter policy; otherwise as for `Ack` |
///
/// Pub/Sub knows no rejection. With a dead-letter policy, each delivery counts, and the message goes to the dead-letter topic
/// after as many as the policy says: so a message that is rejected is seen again until then. Without a policy it would come back
/// for ever, and so it is dropped.
///
/// A settlement waits for the service's answer. What may be mended is tried again for 15 s; then, and when the service refuses it,
/// it is an error. The service has no such answer for an acknowledgement that comes too late, except where the subscription has
/// exactly-once delivery: there the error says `PERMANENT_FAILURE_INVALID_ACK_ID`, and the message comes again. Settlements need
/// no stream: one that is lost takes no message along that is being handled.
///
/// What was sent ahead and not handed on is given back when the source ends, and the shutdown of the lifespan waits for the
/// service's answer to that, for 30 s at most; what is dropped unsettled is given back at once. When the service ends a stream, what
/// was sent ahead is handed on first. What is no message of the protocol is rejected as one that is no event:
/// [`on_invalid`](crate::SourceExt::on_invalid) says otherwise.
///
/// # Order
///
/// From a subscription with message ordering, messages with one ordering key are handed on one at a time: the next one when the
/// one before is settled. When one is to come again, those behind it are given back with it, since the service sends them all
/// again. Messages with other keys, or without one, do not wait.
///
/// # What handlers see
///
/// The [`Message`](crate::Message) has the attributes as headers, but for `content-type`, which is its media type. Before them
/// stand `pubsub-subscription`, `pubsub-message-id`, `pubsub-publish-time`, and, where there is one, `pubsub-ordering-key`, and
/// `pubsub-delivery-attempt`, counted from 1 where the subscription has a dead-letter policy.
#[derive(Clone)]
#[must_use = "it is given to `LifespanBuilder::source`"]
pub struct PubSubSource {
    service: Service,
    subscription: Arc<str>,
    deadline: Duration,
    longest: Duration,
}

impl PubSubSource {
    pub(super) fn new(service: Service, subscription: String) -> Self {
        let (deadline, longest) = (Duration::from_mins(1), Duration::from_hours(1));
        Self { service, subscription: subscription.into(), deadline, longest }
    }

    /// How long the service waits for a sign of life of a message before it delivers it again: whole seconds, from 10 s to 600 s.
    /// The default is 60 s, whatever the subscription says.
    pub fn ack_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Duration::from_secs(deadline.as_secs().clamp(10, 600));
        self
    }

    /// For how long the deadline of one message is extended. The default is 1 hour.
    pub fn longest(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    async fn open(&self, prefetch: usize) -> Result<PubSubIncoming, Fault> {
        let link = self.service.open().await?;
        let (pings, requests) = mpsc::channel(1);
        let first = StreamingPullRequest {
            subscription: self.subscription.to_string(),
            stream_ack_deadline_seconds: i32::try_from(self.deadline.as_secs()).unwrap_or(i32::MAX),
            client_id: format!("events-{:016x}", random_part()),
            max_outstanding_messages: i64::try_from(prefetch).unwrap_or(i64::MAX),
            max_outstanding_bytes: BYTES_AHEAD,
            protocol_version: PROTOCOL_VERSION,
        };
        // There is room for it, and nobody has gone.
        let _ = pings.try_send(first);
        let mut pull = Pull::Opening(Box::pin(link.clone().pull(ROLE, Arc::clone(&self.subscription), requests)));
        if let Ok(opened) = timeout(GRACE, pull.opened()).await {
            opened?;
        }
        let subscription = Arc::clone(&self.subscription);
        let (deadline, longest) = (self.deadline, self.longest);
        let session = Setup { link, subscription, pull, pings: Some(pings), prefetch, deadline, longest };
        Ok(PubSubIncoming { session: Session::spawn(session), is_ended: false })
    }
}

impl Source for PubSubSource {
    type Incoming = PubSubIncoming;

    fn address(&self) -> String {
        format!("pubsub://{}/{}", self.service.host(), self.subscription)
    }

    fn destination(&self, message: &Message) -> Destination {
        // The service does not say which topic a subscription is of.
        let subscription = self.subscription.to_string();
        let destination = self.service.destination(subscription.clone()).subscribed(subscription);
        // Without a dead-letter policy, what is rejected is acknowledged.
        let attempt = message.header("pubsub-delivery-attempt");
        let destination = destination.settled_by(["ack", "nack", if attempt.is_some() { "nack" } else { "ack" }]);
        let own = [
            ("messaging.gcp_pubsub.message.ordering_key", message.header("pubsub-ordering-key")),
            ("messaging.gcp_pubsub.message.delivery_attempt", attempt),
        ];
        let own = own.into_iter().filter_map(|(attribute, value)| Some((attribute, value?)));
        own.fold(destination, |destination, (attribute, value)| destination.with(attribute, value))
    }

    async fn connect(&self, prefetch: usize) -> Result<PubSubIncoming, SourceError> {
        let opened = self.open(prefetch.max(1)).await;
        opened.map_err(|fault| SourceError::new(fault.at(&format!("cannot read `{}`", self.subscription)).to_string()))
    }
}

impl fmt::Debug for PubSubSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PubSubSource").field("address", &self.address()).finish_non_exhaustive()
    }
}

/// A stream that messages of a subscription come over.
pub struct PubSubIncoming {
    session: Running,
    is_ended: bool,
}

impl Incoming for PubSubIncoming {
    type Settle = PubSubSettle;

    async fn next(&mut self) -> Result<Received<PubSubSettle>, SourceError> {
        if self.is_ended {
            return Err(SourceError::new("the stream has ended"));
        }
        let arrival =
            self.session.arriving.recv().await.unwrap_or_else(|| Err(SourceError::new("the stream has ended")));
        self.is_ended = arrival.is_err();
        arrival
    }

    async fn close(self) -> Result<(), SourceError> {
        let Running { arriving, commanding, task } = self.session;
        // Nobody takes anything any more, and nobody has anything to say.
        drop((arriving, commanding));
        match task.await? {
            Some(error) => Err(format!("{error}: what was read ahead comes again when its deadline is over").into()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for PubSubIncoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PubSubIncoming").finish_non_exhaustive()
    }
}

/// Settles a message of a subscription. Dropped, it gives the message back.
pub struct PubSubSettle {
    /// Nothing, when the message is settled.
    id: Option<String>,
    rejection: Fate,
    commanding: mpsc::UnboundedSender<Command>,
}

impl PubSubSettle {
    pub(super) fn new(id: String, rejection: Fate, commanding: mpsc::UnboundedSender<Command>) -> Self {
        Self { id: Some(id), rejection, commanding }
    }

    fn command(&mut self, fate: Fate) -> Option<oneshot::Receiver<Result<(), String>>> {
        let (answer, answered) = oneshot::channel();
        let command = Command { id: self.id.take()?, fate, answer: Some(answer) };
        self.commanding.send(command).ok()?;
        Some(answered)
    }
}

impl Settle for PubSubSettle {
    async fn settle(mut self, settlement: Settlement) -> Result<(), SourceError> {
        let fate = match settlement {
            Settlement::Ack => Fate::Done,
            Settlement::Requeue => Fate::Again,
            Settlement::Reject => self.rejection,
        };
        let gone =
            || SourceError::new("nobody is there any more to tell the service: the message may be delivered again");
        let answered = self.command(fate).ok_or_else(gone)?;
        answered.await.map_err(|_| gone())?.map_err(SourceError::new)
    }
}

impl Drop for PubSubSettle {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            // Without anybody there, the deadline gives it back.
            let _ = self.commanding.send(Command { id, fate: Fate::Again, answer: None });
        }
    }
}

impl fmt::Debug for PubSubSettle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PubSubSettle").field("id", &self.id).finish_non_exhaustive()
    }
}
