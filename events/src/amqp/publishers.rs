//! The channels of a sink, and the batches that wait for one.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{Either, select};
use lapin::options::ConfirmSelectOptions;
use tokio::sync::{Semaphore, oneshot};

use super::Amqp;
use super::link::{Line, explain, opened};
use super::publish::{Form, Published};
use crate::envelope::Envelope;
use crate::error::BoxError;
use crate::sink::SinkError;

/// How many channels publish at a time.
const CHANNELS: usize = 8;
/// How many messages a channel publishes before it waits for their confirmations.
pub(super) const WINDOW: usize = 1000;
/// How many messages are published together of those among which one is refused.
const SUSPECTS: usize = 32;

/// The channels of a sink. What one publishes is confirmed before it publishes more: the library hands a returned message to
/// some confirmation of the channel, not always to its own, so that all of them must be there before it is known whose it was.
pub(super) struct Publishers {
    pub(super) amqp: Amqp,
    pub(super) form: Form,
    idle: Mutex<Vec<Line>>,
    waiting: Mutex<Waiting>,
    places: Semaphore,
}

/// Batches in the order in which they came. Each has somebody who waits for its answer, or nobody any more.
#[derive(Default)]
struct Waiting {
    batches: VecDeque<Batch>,
    /// That of the next one.
    number: u64,
}

struct Batch {
    envelopes: Arc<[Envelope]>,
    number: u64,
    told: oneshot::Sender<Answer>,
}

struct Answer {
    published: Vec<Published>,
    /// The broker has ended the channel, for what may be another message.
    spoiled: bool,
}

impl Waiting {
    fn join(&mut self, envelopes: Arc<[Envelope]>) -> (u64, oneshot::Receiver<Answer>) {
        let (told, answer) = oneshot::channel();
        let number = self.number;
        self.number += 1;
        self.batches.push_back(Batch { envelopes, number, told });
        (number, answer)
    }

    /// The first batches, as many as fit into a window: for whoever waits for `number`, and for nobody else.
    fn take(&mut self, number: u64) -> Vec<Batch> {
        let (mut taken, mut messages) = (Vec::new(), 0);
        if self.batches.front().is_none_or(|first| first.number > number) {
            return taken;
        }
        while let Some(batch) =
            self.batches.pop_front_if(|batch| messages + batch.envelopes.len() <= WINDOW || messages == 0)
        {
            if !batch.told.is_closed() {
                messages += batch.envelopes.len();
                taken.push(batch);
            }
        }
        taken
    }
}

impl Publishers {
    pub(super) fn new(amqp: Amqp, form: Form) -> Self {
        Self { amqp, form, idle: Mutex::default(), waiting: Mutex::default(), places: Semaphore::new(CHANNELS) }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Line>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes all, and answers when all are confirmed. Dropped on the way, it takes the channel along that it uses.
    pub(super) async fn publish(&self, envelopes: &[Envelope]) -> Vec<Published> {
        let Answer { mut published, spoiled } = self.publish_with_others(envelopes.into()).await;
        let unknown = |published: &Published| published.as_ref().is_err_and(|error| !error.is_permanent());
        if !spoiled || !published.iter().any(unknown) {
            return published;
        }
        // One message that the broker does not want ends the channel, and with it all others: which one is found out.
        let _place = self.places.acquire().await;
        let mut suspects: Vec<_> = (0..envelopes.len()).filter(|index| unknown(&published[*index])).collect();
        for size in [SUSPECTS, 1] {
            let mut left = Vec::new();
            for together in suspects.chunks(size) {
                let chosen: Vec<_> = together.iter().map(|index| &envelopes[*index]).collect();
                let answer = self.publish_together(&chosen).await;
                for (index, one) in together.iter().zip(answer.published) {
                    left.extend(Some(*index).filter(|_| answer.spoiled && unknown(&one)));
                    published[*index] = one;
                }
            }
            suspects = left;
        }
        published
    }

    /// Publishes all, together with what others wait for, or has one of those do it.
    async fn publish_with_others(&self, envelopes: Arc<[Envelope]>) -> Answer {
        loop {
            let (number, mut answer) = self.waiting().join(Arc::clone(&envelopes));
            let answered = loop {
                let place = match select(&mut answer, pin!(self.places.acquire())).await {
                    Either::Left((answered, _)) => break answered,
                    Either::Right((place, _)) => place,
                };
                // Whoever else is about to come along goes together with this.
                tokio::task::yield_now().await;
                let taken = self.waiting().take(number);
                if taken.is_empty() {
                    drop(place);
                    break (&mut answer).await;
                }
                self.publish_batches(taken).await;
            };
            // Where there is no answer, whoever had taken it along was dropped.
            if let Ok(answer) = answered {
                return answer;
            }
        }
    }

    async fn publish_batches(&self, batches: Vec<Batch>) {
        let envelopes: Vec<_> = batches.iter().flat_map(|batch| &*batch.envelopes).collect();
        let Answer { published, spoiled } = self.publish_together(&envelopes).await;
        let mut published = published.into_iter();
        for Batch { envelopes, told, .. } in batches {
            // Whoever was dropped does not wait any more.
            let _ = told.send(Answer { published: published.by_ref().take(envelopes.len()).collect(), spoiled });
        }
    }

    /// Publishes all over one channel.
    async fn publish_together(&self, envelopes: &[&Envelope]) -> Answer {
        let line = match self.line().await {
            Ok(line) => line,
            Err(error) => {
                let text = error.to_string();
                let published = envelopes.iter().map(|_| Err(SinkError::new(text.clone()))).collect();
                return Answer { published, spoiled: false };
            }
        };
        let (published, spoiled) = self.form.publish(envelopes, &line.channel).await;
        if line.is_open() {
            self.idle().push(line);
        }
        Answer { published, spoiled }
    }

    async fn line(&self) -> Result<Line, BoxError> {
        let idle = {
            let mut idle = self.idle();
            idle.retain(Line::is_open);
            idle.pop()
        };
        if let Some(line) = idle {
            return Ok(line);
        }
        let opening = async {
            let line = self.amqp.links.publishing.line().await?;
            self.form.exchange.declare(&line.channel).await?;
            let confirming = line.channel.confirm_select(ConfirmSelectOptions::default()).await;
            confirming.map_err(|error| explain("cannot ask for confirmations", &error))?;
            Ok(line)
        };
        opened(opening).await
    }

    pub(super) async fn close(&self) -> Result<(), SinkError> {
        let idle = std::mem::take(&mut *self.idle());
        for line in idle {
            line.close().await.map_err(|error| SinkError::new(explain("cannot close the channel", &error)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelopes(messages: usize) -> Arc<[Envelope]> {
        std::iter::repeat_with(|| Envelope::new("cat-fed", "null")).take(messages).collect()
    }

    fn numbers(batches: &[Batch]) -> Vec<u64> {
        batches.iter().map(|batch| batch.number).collect()
    }

    #[test]
    fn batches_go_together_up_to_a_window_and_those_that_nobody_waits_for_are_left_out() {
        let mut waiting = Waiting::default();
        let sizes = [WINDOW - 10, 4, 4, 6, 4, 2 * WINDOW, 1];
        let mut answers: Vec<_> = sizes.iter().map(|size| waiting.join(envelopes(*size)).1).collect();
        drop(answers.remove(1));
        let first = waiting.take(0);
        assert_eq!(numbers(&first), [0, 2, 3], "the one in between is given up, and has no part in the window");
        assert!(waiting.take(2).is_empty(), "somebody has taken that along");
        let second = waiting.take(6);
        assert_eq!(numbers(&second), [4], "the next one is too large");
        let third = waiting.take(6);
        assert_eq!(numbers(&third), [5], "however large it is");
        assert_eq!(numbers(&waiting.take(6)), [6]);
        assert!(waiting.take(6).is_empty() && waiting.batches.is_empty());
    }
}
