//! A queue that events go to.

use std::fmt;

use super::message::{self, Draft};
use super::queue::Queue;
use super::send::{self, BATCH};
use crate::envelope::Envelope;
use crate::error::BoxError;
use crate::format::{CloudEvents, Format};
use crate::sink::{Sink, SinkError};
use crate::telemetry::Destination;

type Id = dyn Fn(&Envelope) -> String + Send + Sync;

/// The group of events that have no partition key.
const GROUP: &str = "events";

/// Sends events to a queue of Amazon SQS: [`Sqs::sink`](super::Sqs::sink).
///
/// Up to ten events and 1 MiB go in one call, in their order. The service answers for each: one that it could not take is
/// tried again alone, and one that it does not want is a permanent error. So are an event that has more than 1 MiB with its
/// attributes, one whose text has a character that SQS does not allow (control characters but for tab, line feed and carriage
/// return; U+FFFE and U+FFFF), a queue that does not exist, and what access is denied to. Whatever else is wrong is
/// tried again, a service that is busy and credentials that have expired among it.
///
/// # Messages
///
/// Without [`format`](Self::format), an event is one `CloudEvent` in [structured](CloudEvents::structured) mode, with copies
/// in attributes for those who filter: `ce-type`, `ce-id`, `traceparent` where there is one, and `content-type`. Other formats
/// have their headers and their media type for attributes. A message has ten at most: [`Pair`](crate::Pair) fits, its
/// media type being left out where there is no room for it; `CloudEvents` in binary mode may not, which is a permanent error.
///
/// # FIFO queues
///
/// A queue whose name ends in `.fifo` gets a group and an identity with each message. The group is the event's
/// [partition key](Envelope::partition_key), or one that all events without any share; an event that was sent within the last
/// five minutes, by its identity and its origin, is not there twice. [`grouped_by`](Self::grouped_by) and
/// [`deduplicated_by`](Self::deduplicated_by) say something else.
///
/// The events of a scope are in the queue in the order of dispatch, group by group, also when some are tried again: a call
/// has one message of a group, and an event that is to be tried again has those behind it wait, until it is sent or lost. The
/// price is a call for each event of a group: groups that are many and small are fast. An event that is given up, after its
/// last [attempt](crate::SinkExt::attempts), takes those of the same batch along that waited for it. Events of different scopes
/// have no order. Attempts that go on for longer than five minutes may have an event there twice.
///
/// # Loops
///
/// What came in from a queue is not sent back to it, as far as source and sink are of one [`Sqs`](super::Sqs), or of its
/// clones, and name the queue alike; or of any, where both give its URL. A lifespan may have both ends of a queue, but for a
/// sink with [`only`](crate::SinkExt::only), which is a start error: nobody would get what comes in.
///
/// # Rights
///
/// `sqs:SendMessage`, and `sqs:GetQueueUrl` for a queue that is named and not given by its URL.
#[must_use = "it is given to `LifespanBuilder::sink`"]
pub struct SqsSink {
    queue: Queue,
    format: Box<dyn Format>,
    group: Option<Box<Id>>,
    deduplication: Option<Box<Id>>,
}

impl SqsSink {
    pub(super) fn new(queue: Queue) -> Self {
        Self { queue, format: Box::new(CloudEvents::structured()), group: None, deduplication: None }
    }

    /// Says how events are written into messages. Without it, they are `CloudEvents` in structured mode.
    pub fn format(mut self, format: impl Format) -> Self {
        self.format = Box::new(format);
        self
    }

    /// Says which group each event belongs to. A standard queue gets it too, and shares its work fairly among groups.
    ///
    /// A text that is empty, has more than 128 characters, or others than the visible ones of ASCII, is hashed.
    pub fn grouped_by(mut self, group: impl Fn(&Envelope) -> String + Send + Sync + 'static) -> Self {
        self.group = Some(Box::new(group));
        self
    }

    /// Says by what a FIFO queue knows that an event is there already. In a standard queue nothing is.
    ///
    /// A text that is empty, has more than 128 characters, or others than the visible ones of ASCII, is hashed.
    pub fn deduplicated_by(mut self, id: impl Fn(&Envelope) -> String + Send + Sync + 'static) -> Self {
        self.deduplication = Some(Box::new(id));
        self
    }

    fn draft(&self, envelope: &Envelope) -> Result<Draft, BoxError> {
        let mut draft = Draft::new(envelope, self.format.encode(envelope)?)?;
        let is_fifo = self.queue.is_fifo();
        draft.group = match &self.group {
            Some(group) => Some(group(envelope)),
            None => is_fifo.then(|| envelope.partition_key().unwrap_or(GROUP).to_owned()),
        };
        draft.group = draft.group.map(message::id);
        if is_fifo {
            draft.deduplication = match &self.deduplication {
                Some(id) => Some(message::id(id(envelope))),
                None => message::deduplication(envelope),
            };
        }
        Ok(draft)
    }
}

impl Sink for SqsSink {
    async fn send(&self, envelope: &Envelope) -> Result<(), SinkError> {
        self.send_many(std::slice::from_ref(envelope)).await.pop().unwrap_or(Ok(()))
    }

    async fn send_many(&self, envelopes: &[Envelope]) -> Vec<Result<(), SinkError>> {
        let (mut answers, mut drafts) = (Vec::with_capacity(envelopes.len()), Vec::with_capacity(envelopes.len()));
        for envelope in envelopes {
            answers.push(self.draft(envelope).map(|draft| drafts.push(draft)).map_err(SinkError::permanent));
        }
        let mut sent = send::send_all(&self.queue, &drafts).await.into_iter();
        for answer in answers.iter_mut().filter(|answer| answer.is_ok()) {
            *answer = sent.next().unwrap_or(Ok(()));
        }
        answers
    }

    fn max_batch(&self) -> usize {
        BATCH
    }

    fn address(&self) -> Option<String> {
        Some(self.queue.address())
    }

    fn label(&self) -> Option<String> {
        Some(self.queue.label())
    }

    fn destination(&self, _: &Envelope) -> Destination {
        self.queue.destination()
    }
}

impl fmt::Debug for SqsSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqsSink").field("queue", &self.queue).finish_non_exhaustive()
    }
}
