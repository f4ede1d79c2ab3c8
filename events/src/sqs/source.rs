//! A queue that events come from.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::errand::PATIENCE;
use super::lease::Lease;
use super::message::Original;
use super::queue::Queue;
use super::reading::{Handed, LONGEST, Reading, Terms, seconds};
use super::reject;
use super::trouble::Trouble;
use crate::format::Message;
use crate::source::{Incoming, Received, Settle, Settlement, Source, SourceError};
use crate::telemetry::Destination;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Reads a queue of Amazon SQS: [`Sqs::source`](super::Sqs::source).
///
/// A call waits up to 20 s for messages, and brings up to ten. There is one call at a time while there is little to read, and
/// up to four while each brings ten. What they may bring, what waits here to be handled and what is being handled are never
/// more than the [prefetch](crate::SourceExt::prefetch) together. A message has up to 1 MiB.
///
/// # While handlers run
///
/// The service gives a message to nobody else for the [visibility time-out](Self::visibility), which is 30 s from when it was
/// received. When half of it is over, it is extended, ten messages in one call, until the message is settled; twelve hours
/// after it was received the service does not keep it any longer. Where a message could not be kept, a warning says so: it may
/// be delivered twice.
///
/// # Settlement
///
/// | | |
/// |---|---|
/// | [`Ack`](Settlement::Ack) | The message is deleted: with up to nine others that are settled while earlier calls are under way. |
/// | [`Requeue`](Settlement::Requeue) | It comes again [after a pause](Self::requeue_after), longer with each time that it was received. |
/// | [`Reject`](Settlement::Reject) | A copy goes to the dead-letter queue, and the message is deleted; it is deleted alone where there is no such queue. |
///
/// The dead-letter queue is the one that the queue's redrive policy names when the source connects, or the one that
/// [`dead_letters`](Self::dead_letters) says. The copy has the body and the attributes of the message, and is there at once:
/// nobody handles the message again until the policy's `maxReceiveCount` is passed. Since the source puts it there, and not the
/// service, it has no `DeadLetterQueueSourceArn`: to redrive it, name the queue that it is to go to.
/// What is requeued too often, the service moves there itself, as the policy says. Everything that a source has received counts
/// for it, also what is given back unhandled at the end of a lifespan: a `maxReceiveCount` of 1 is too small.
///
/// A settlement may take 25 s, and is tried again within them. One that fails is reported, and the message comes again when its
/// visibility time-out is over. Behind a settlement, the message is extended no more.
///
/// # The end
///
/// At the end of the lifespan, when all handlers have ended, calls that wait for messages are given up, what waits to be handled is
/// given back, so that others get it at once, and the shutdown waits until the service has answered to that. What the service gives
/// to a call that is given up at that very moment comes again when its visibility time-out is over.
///
/// A message that is dropped without a settlement is given back at once, and so are those that wait to be handled when the
/// connection is lost or dropped. A call that still waits for messages then is let go on, and gives back what it brings.
///
/// # FIFO queues
///
/// Messages of one group are handled one after another, in their order: the next one waits until the one before is gone from
/// the queue. Where that one is requeued, is not settled, or cannot be deleted, those behind it go back to the queue with it,
/// and come again behind it. Groups do not wait for one another, as far as the prefetch has room for messages of several.
///
/// # What handlers see
///
/// The [`Message`](crate::Message) has the attributes as headers: texts and numbers as they are, bytes in base64; the
/// attribute `content-type` is its media type. What the service says stands beside them, where the message has it:
/// `sqs-message-id`, `sqs-approximate-receive-count`, `sqs-approximate-first-receive-timestamp` and `sqs-sent-timestamp` in
/// milliseconds since 1970, `sqs-sender-id`, `sqs-message-group-id`, `sqs-message-deduplication-id`, `sqs-sequence-number`,
/// `sqs-dead-letter-queue-source-arn`, `sqs-aws-trace-header`.
///
/// # Rights
///
/// `sqs:ReceiveMessage`, `sqs:DeleteMessage`, `sqs:ChangeMessageVisibility`; `sqs:GetQueueUrl` for a queue that is named and not
/// given by its URL; `sqs:GetQueueAttributes` unless [`dead_letters`](Self::dead_letters) is said; `sqs:SendMessage` for the
/// dead-letter queue.
#[derive(Clone)]
#[must_use = "it is given to `LifespanBuilder::source`"]
pub struct SqsSource {
    queue: Queue,
    dead_letters: Option<Queue>,
    visibility: Duration,
    wait: Duration,
    pauses: Pauses,
}

/// Before a message comes again.
#[derive(Clone, Copy)]
struct Pauses {
    first: Duration,
    longest: Duration,
}

impl SqsSource {
    pub(super) fn new(queue: Queue) -> Self {
        let pauses = Pauses { first: Duration::from_secs(1), longest: Duration::from_mins(5) };
        Self { queue, dead_letters: None, visibility: Duration::from_secs(30), wait: LONGEST_WAIT, pauses }
    }

    /// How long the service gives a message to nobody else, unless that is extended: whole seconds, from 1 s to 12 h; the
    /// default is 30 s. So long it takes at most until the messages of a process that was killed come again. The queue's own
    /// time-out is not used.
    pub fn visibility(mut self, timeout: Duration) -> Self {
        self.visibility = whole(timeout).clamp(Duration::from_secs(1), LONGEST);
        self
    }

    /// How long it takes until a message comes again that was requeued: from the first pause on, each is twice as long as the
    /// one before, by how often the message was received, up to the longest one. Whole seconds, up to what is left of the 12 h
    /// for which a message can be kept; the default is 1 s to 5 min. With a range from zero to zero it comes again at once.
    pub fn requeue_after(mut self, pauses: RangeInclusive<Duration>) -> Self {
        let (first, longest) = pauses.into_inner();
        self.pauses = Pauses { first, longest: longest.max(first) };
        self
    }

    /// Says which queue rejected messages are copied to, by its name or its URL, and keeps the source from asking for the
    /// queue's redrive policy.
    pub fn dead_letters(mut self, queue: &str) -> Self {
        self.dead_letters = Some(self.queue.other(queue));
        self
    }

    /// How long a call waits for messages: whole seconds, up to the 20 s that are the default. Zero asks every 100 ms, which
    /// is meant for stand-ins of the service that do not wait well.
    pub fn wait(mut self, limit: Duration) -> Self {
        self.wait = whole(limit).min(LONGEST_WAIT);
        self
    }

    async fn open(&self, prefetch: usize) -> Result<SqsIncoming, Trouble> {
        let url = self.queue.url().await?;
        let dead_letters = match &self.dead_letters {
            Some(named) => Some(named.clone()),
            None => reject::policy(&self.queue, url).await?,
        };
        let terms = Terms { prefetch: prefetch.max(1), wait: self.wait, visibility: self.visibility };
        let reading = Reading::open(self.queue.clone(), url, terms).await?;
        Ok(SqsIncoming { reading, dead_letters: dead_letters.map(Arc::new), pauses: self.pauses })
    }
}

impl Source for SqsSource {
    type Incoming = SqsIncoming;

    fn address(&self) -> String {
        self.queue.address()
    }

    fn label(&self) -> String {
        self.queue.label()
    }

    fn destination(&self, _: &Message) -> Destination {
        self.queue.destination()
    }

    fn delays_requeued(&self) -> bool {
        true
    }

    async fn connect(&self, prefetch: usize) -> Result<SqsIncoming, SourceError> {
        let late = |_| SourceError::new(format!("the service has not answered within {CONNECT_TIMEOUT:?}"));
        Ok(timeout(CONNECT_TIMEOUT, self.open(prefetch)).await.map_err(late)??)
    }
}

impl fmt::Debug for SqsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqsSource").field("queue", &self.queue).finish_non_exhaustive()
    }
}

/// A connection to a queue of Amazon SQS.
pub struct SqsIncoming {
    reading: Arc<Reading>,
    dead_letters: Option<Arc<Queue>>,
    pauses: Pauses,
}

impl Incoming for SqsIncoming {
    type Settle = SqsSettle;

    async fn next(&mut self) -> Result<Received<SqsSettle>, SourceError> {
        let Handed { number, lease, message, original } = self.reading.next().await?;
        let message = Arc::new(message);
        let settle = SqsSettle {
            reading: Arc::clone(&self.reading),
            dead_letters: self.dead_letters.clone(),
            pause: self.pauses.after(original.receives),
            number,
            lease,
            message: Arc::clone(&message),
            original,
            fate: Fate::Dropped,
        };
        Ok(Received::new(message, settle))
    }

    async fn close(self) -> Result<(), SourceError> {
        let what = "messages that were not handled come again when their visibility time-out is over";
        let ended = self.reading.ended().await;
        ended.map_err(|trouble| SourceError::new(format!("{trouble}: {what}")))
    }
}

impl Drop for SqsIncoming {
    fn drop(&mut self) {
        self.reading.close();
    }
}

impl fmt::Debug for SqsIncoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqsIncoming").field("queue", &self.reading.queue).finish_non_exhaustive()
    }
}

/// Settles a message out of a queue of Amazon SQS.
pub struct SqsSettle {
    reading: Arc<Reading>,
    dead_letters: Option<Arc<Queue>>,
    /// Before it comes again.
    pause: Duration,
    number: u64,
    lease: Arc<Lease>,
    message: Arc<Message>,
    original: Original,
    fate: Fate,
}

/// What has become of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nobody has settled it.
    Dropped,
    /// It comes again.
    Kept,
    /// It was taken out of the queue.
    Gone,
}

impl SqsSettle {
    async fn reject(&self, until: Instant) -> Result<(), Trouble> {
        if let Some(dead_letters) = &self.dead_letters {
            // Few are, and the call is large.
            let copying = Box::pin(reject::copy(dead_letters, &self.message, &self.original));
            let copied = timeout_at(until, copying).await;
            copied.map_err(|_| reject::late(dead_letters, PATIENCE))??;
        }
        self.reading.errands.delete(&self.lease, until).await
    }

    async fn requeue(&self, until: Instant) -> Result<(), Trouble> {
        let pause = self.pause.min(self.reading.limit(self.number));
        self.reading.errands.hide(&self.lease, seconds(pause), until).await
    }
}

impl Settle for SqsSettle {
    async fn settle(mut self, settlement: Settlement) -> Result<(), SourceError> {
        // From now on, what goes wrong is not mended by having the message come again at once.
        self.fate = Fate::Kept;
        let until = Instant::now() + PATIENCE;
        let settled = match settlement {
            Settlement::Ack => self.reading.errands.delete(&self.lease, until).await,
            Settlement::Reject => self.reject(until).await,
            Settlement::Requeue => return Ok(self.requeue(until).await?),
        };
        settled.map_err(|trouble| SourceError::new(format!("{trouble}: the message comes again")))?;
        self.fate = Fate::Gone;
        Ok(())
    }
}

impl Drop for SqsSettle {
    fn drop(&mut self) {
        match self.fate {
            Fate::Dropped => self.reading.abandon(self.number),
            Fate::Kept | Fate::Gone => self.reading.end(self.number, self.fate == Fate::Gone),
        }
    }
}

impl fmt::Debug for SqsSettle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqsSettle").field("queue", &self.reading.queue).finish_non_exhaustive()
    }
}

impl Pauses {
    /// The pause behind the attempt with this number.
    fn after(self, receives: u32) -> Duration {
        let factor = 2_u32.saturating_pow(receives.saturating_sub(1));
        whole(self.first.saturating_mul(factor).min(self.longest))
    }
}

/// Whole seconds, and no less than it was.
fn whole(length: Duration) -> Duration {
    Duration::from_secs(length.as_secs().saturating_add(u64::from(length.subsec_nanos() > 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_twice_as_long_each_time() {
        let pauses = |first: u64, longest: u64| {
            let pauses = Pauses { first: Duration::from_millis(first), longest: Duration::from_millis(longest) };
            [0, 1, 2, 3, 4, 40, u32::MAX].map(|receives| pauses.after(receives).as_secs())
        };
        assert_eq!(pauses(1000, 5000), [1, 1, 2, 4, 5, 5, 5]);
        assert_eq!(pauses(400, 2500), [1, 1, 1, 2, 3, 3, 3]);
        assert_eq!(pauses(0, 0), [0; 7]);
    }
}
