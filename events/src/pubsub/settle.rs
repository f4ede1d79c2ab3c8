//! What the service is still to be told of messages, and what it says to that.

use std::collections::{HashMap, VecDeque};
use std::ops::RangeInclusive;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::fault::Fault;
use super::proto::{AcknowledgeRequest, ModifyAckDeadlineRequest};
use super::service::{Link, Method};
use crate::backoff::{Backoff, Pauses};

/// How many ids the service takes at a time.
pub(super) const IDS: usize = 1000;
/// A call takes no longer.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// For how long another attempt is begun. With the pause before the last one, and its call, a settlement takes less than whoever
/// waits for it does.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSES: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(2);

pub(super) const ROLE: &str = "roles/pubsub.subscriber";
const ACKNOWLEDGE: Method =
    Method { path: "/google.pubsub.v1.Subscriber/Acknowledge", resource: "subscription", role: ROLE };
const MODIFY: Method =
    Method { path: "/google.pubsub.v1.Subscriber/ModifyAckDeadline", resource: "subscription", role: ROLE };

/// Whoever waits to hear that a message is settled.
pub(super) type Answer = oneshot::Sender<Result<(), String>>;

/// What becomes of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Done,
    Again,
}

struct Unsettled {
    id: String,
    answer: Option<Answer>,
    until: Instant,
}

/// The messages that the service is to be told of, all of one fate. It is told of those that have come while it was told of
/// those before: one call at a time.
pub(super) struct Unsettleds {
    fate: Fate,
    queue: VecDeque<Unsettled>,
    is_telling: bool,
    pauses: Pauses,
    has_failed: bool,
    /// What was not done that nobody has waited for.
    lost: Option<String>,
}

/// What has come of a call.
pub(super) enum Told {
    Settled(Fate, Batch, Result<(), Fault>),
    Extended(Vec<String>, Result<(), Fault>),
}

pub(super) struct Batch(Vec<Unsettled>);

impl Unsettleds {
    pub(super) fn new(fate: Fate) -> Self {
        let pauses = Backoff::from(PAUSES).pauses();
        Self { fate, queue: VecDeque::new(), is_telling: false, pauses, has_failed: false, lost: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && !self.is_telling
    }

    pub(super) fn push(&mut self, id: String, answer: Option<Answer>) {
        self.queue.push_back(Unsettled { id, answer, until: Instant::now() + PATIENCE });
    }

    pub(super) fn lost(self) -> Option<String> {
        self.lost
    }

    /// The next call, if there is something to tell that may be told, and nothing is being told.
    pub(super) fn tell(
        &mut self,
        link: &Link,
        subscription: &str,
        may: impl Fn(&str) -> bool,
    ) -> Option<BoxFuture<'static, Told>> {
        if self.is_telling {
            return None;
        }
        self.give_up();
        let (mut batch, mut left) = (Vec::new(), VecDeque::new());
        for one in self.queue.drain(..) {
            if batch.len() < IDS && may(&one.id) {
                batch.push(one);
            } else {
                left.push_back(one);
            }
        }
        self.queue = left;
        if batch.is_empty() {
            return None;
        }
        self.is_telling = true;
        let ids = batch.iter().map(|one| one.id.clone()).collect();
        let pause = self.has_failed.then(|| self.pauses.pause_of(Duration::ZERO));
        let (fate, link, subscription) = (self.fate, link.clone(), subscription.to_owned());
        Some(Box::pin(async move {
            if let Some(pause) = pause {
                pause.await;
            }
            let told = match fate {
                Fate::Done => acknowledge(&link, subscription, ids).await,
                Fate::Again => modify(&link, subscription, ids, 0).await,
            };
            Told::Settled(fate, Batch(batch), told)
        }))
    }

    /// Ends those whose turn has not come in time.
    fn give_up(&mut self) {
        let now = Instant::now();
        while self.queue.front().is_some_and(|one| one.until <= now) {
            if let Some(one) = self.queue.pop_front() {
                self.lost =
                    one.answer(Err(format!("the service was not told within {PATIENCE:?}"))).or(self.lost.take());
            }
        }
    }

    /// Answers whoever waits, and keeps what is to be told again.
    pub(super) fn told(&mut self, Batch(batch): Batch, told: Result<(), Fault>) {
        self.is_telling = false;
        let now = Instant::now();
        let fault = told.err();
        self.has_failed = false;
        for one in batch.into_iter().rev() {
            match verdict(&one.id, fault.as_ref()) {
                Verdict::Settled => drop(one.answer(Ok(()))),
                Verdict::Again(_) if now < one.until => {
                    self.has_failed = true;
                    self.queue.push_front(one);
                }
                Verdict::Again(text) | Verdict::Failed(text) => {
                    self.lost = one.answer(Err(text)).or(self.lost.take());
                }
            }
        }
        if !self.has_failed {
            self.pauses = Backoff::from(PAUSES).pauses();
        }
    }
}

impl Unsettled {
    /// Answers what went wrong, where nobody waits for that.
    fn answer(self, result: Result<(), String>) -> Option<String> {
        if let Some(answer) = self.answer {
            // Who does not wait any more does not want to know.
            let _ = answer.send(result);
            return None;
        }
        let error = result.err()?;
        tracing::debug!(target: "events", error, "a message was not given back, and comes again later");
        Some(error)
    }
}

enum Verdict {
    Settled,
    Again(String),
    Failed(String),
}

/// What a call says of one id. Where some are named as failed, all others have not.
fn verdict(id: &str, fault: Option<&Fault>) -> Verdict {
    let Some(fault) = fault else { return Verdict::Settled };
    let failures: &HashMap<_, _> = fault.failures();
    match failures.get(id) {
        Some(reason) if reason.starts_with("TRANSIENT_FAILURE_") => Verdict::Again(reason.clone()),
        Some(reason) => Verdict::Failed(reason.clone()),
        None if !failures.is_empty() => Verdict::Settled,
        None if fault.is_transient() => Verdict::Again(fault.to_string()),
        None => Verdict::Failed(fault.to_string()),
    }
}

/// Tells the service that messages are still with us.
pub(super) fn extend(
    link: &Link,
    subscription: &str,
    ids: Vec<String>,
    deadline: Duration,
) -> BoxFuture<'static, Told> {
    let (link, subscription) = (link.clone(), subscription.to_owned());
    let seconds = i32::try_from(deadline.as_secs()).unwrap_or(i32::MAX);
    Box::pin(async move {
        let told = modify(&link, subscription, ids.clone(), seconds).await;
        Told::Extended(ids, told)
    })
}

async fn acknowledge(link: &Link, subscription: String, ack_ids: Vec<String>) -> Result<(), Fault> {
    let name = subscription.clone();
    link.call(ACKNOWLEDGE, &name, AcknowledgeRequest { subscription, ack_ids }, CALL_TIMEOUT).await
}

async fn modify(link: &Link, subscription: String, ack_ids: Vec<String>, seconds: i32) -> Result<(), Fault> {
    let name = subscription.clone();
    let request = ModifyAckDeadlineRequest { subscription, ack_deadline_seconds: seconds, ack_ids };
    link.call(MODIFY, &name, request, CALL_TIMEOUT).await
}
