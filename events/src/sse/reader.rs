//! What one reader of a feed gets.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use axum::body::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::feed::{Head, Shared, SlowReaders};
use super::frame;
use super::log::{Entry, Start};
use super::places::Place;

/// How many events are taken out of the log at a time.
const AT_A_TIME: usize = 32;

/// Whether a reader may see an event.
pub(super) type Sees = dyn Fn(&Entry) -> bool + Send;

/// Reads the log of a feed. It holds nothing that it has not been asked for: what the log drops is gone.
pub(super) struct Reader {
    shared: Arc<Shared>,
    sees: Box<Sees>,
    head: watch::Receiver<Head>,
    /// What is written before anything else.
    greeting: VecDeque<Bytes>,
    taken: VecDeque<Weak<Entry>>,
    /// The number of the next event to be taken.
    next: u64,
    /// How many events it may be behind.
    may_lag: u64,
    place: Place,
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, sees: Box<Sees>, start: Start, place: Place) -> Self {
        // Something is written at once, so that everybody on the way sees that the stream has begun.
        let retry = shared.settings.retry.map(|pause| frame::retry(pause.as_millis()));
        let mut greeting = VecDeque::from([retry.unwrap_or(frame::COMMENT)]);
        let log = shared.log();
        let lag = log.end().saturating_sub(start.number);
        if start.has_lost {
            greeting.push_back(shared.lost(None, log.from(start.number, 1).first().map(Arc::as_ref)));
        }
        drop(log);
        let may_lag = lag.saturating_add(shared.settings.max_lag);
        let head = shared.head.subscribe();
        Self { shared, sees, head, greeting, taken: VecDeque::new(), next: start.number, may_lag, place }
    }

    /// What is written next; nothing at the end.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        if !self.place.asked() {
            return None;
        }
        let frame = self.frame().await?;
        self.place.given(Instant::now());
        Some(frame)
    }

    async fn frame(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.greeting.pop_front() {
                return Some(frame);
            }
            if let Some(frame) = self.seen() {
                return Some(frame);
            }
            // Seen before the log is, so that an event that comes between the two is not missed.
            let is_closed = self.head.borrow_and_update().is_closed;
            if !self.take() {
                tracing::debug!(target: "events", "a reader of a feed is too slow: its stream is ended");
                return None;
            }
            if !self.taken.is_empty() || !self.greeting.is_empty() {
                continue;
            }
            if is_closed {
                return None;
            }
            match timeout(self.shared.settings.keep_alive, self.head.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => return Some(frame::COMMENT),
            }
        }
    }

    /// The next event of those taken that the reader may see, as long as the log has it.
    fn seen(&mut self) -> Option<Bytes> {
        while let Some(entry) = self.taken.pop_front() {
            let Some(entry) = entry.upgrade() else {
                // From here on, the reader is behind all that the log has.
                self.next -= 1 + self.taken.len() as u64;
                self.taken.clear();
                return None;
            };
            if (self.sees)(&entry) {
                return Some(entry.frame.clone());
            }
        }
        None
    }

    /// Takes the next events out of the log. Answers whether the stream goes on.
    fn take(&mut self) -> bool {
        let max_lag = self.shared.settings.max_lag;
        let log = self.shared.log();
        let (first, end) = (log.first(), log.end());
        if self.next < first || end - self.next > self.may_lag {
            if self.shared.settings.slow == SlowReaders::End {
                return false;
            }
            let to = end.saturating_sub(max_lag).max(first).max(self.next);
            let last = log.from(to, 1);
            self.greeting.push_back(self.shared.lost(Some(to - self.next), last.first().map(Arc::as_ref)));
            self.next = to;
        }
        self.may_lag = self.may_lag.min((end - self.next).saturating_add(max_lag));
        self.taken.extend(log.from(self.next, AT_A_TIME).iter().map(Arc::downgrade));
        self.next += self.taken.len() as u64;
        true
    }
}
