//! How far a stream has been handled, so that it can be taken up from there.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::format::Message;
use crate::source::{Settlement, SourceError};

/// Between the first delivery of an event and the second; each pause after it is four times as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Between two deliveries at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What outlives the connections of a source.
#[derive(Debug)]
pub(super) struct Resume(Mutex<(Arc<str>, Option<Duration>)>);

impl Resume {
    pub(super) fn at(last_id: &str) -> Self {
        Self(Mutex::new((last_id.into(), None)))
    }

    fn lock(&self) -> MutexGuard<'_, (Arc<str>, Option<Duration>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The `id` up to which everything is settled; empty where there is none.
    pub(super) fn last_id(&self) -> Arc<str> {
        Arc::clone(&self.lock().0)
    }

    /// How long the server wants to be left alone between two connections, where it has said so.
    pub(super) fn retry(&self) -> Option<Duration> {
        self.lock().1
    }

    pub(super) fn set_retry(&self, retry: Duration) {
        self.lock().1 = Some(retry);
    }
}

/// An event on its way to its handlers.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    number: u64,
    delivery: u32,
    pub(super) message: Arc<Message>,
}

/// The events of one connection that are not settled, in the order in which they came.
#[derive(Debug)]
pub(super) struct Position {
    resume: Arc<Resume>,
    prefetch: usize,
    max_deliveries: u32,
    state: Mutex<State>,
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Events that are not settled, and those behind them that are: of a run of these, the last one.
    entries: VecDeque<Entry>,
    again: Vec<(Instant, Sent)>,
    unsettled: usize,
    next: u64,
    is_closed: bool,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    last_id: Arc<str>,
    is_settled: bool,
}

impl Position {
    pub(super) fn new(resume: Arc<Resume>, prefetch: usize, max_deliveries: u32) -> Arc<Self> {
        let (state, changed) = (Mutex::default(), Notify::new());
        Arc::new(Self { resume, prefetch: prefetch.max(1), max_deliveries, state, changed })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn has_room(&self) -> bool {
        self.lock().unsettled < self.prefetch
    }

    pub(super) fn is_settled(&self) -> bool {
        self.lock().unsettled == 0
    }

    /// Counts an event that has come, and stands where the stream has come to `last_id`.
    pub(super) fn enter(&self, message: Message, last_id: Arc<str>) -> Sent {
        let mut state = self.lock();
        state.unsettled += 1;
        let number = state.push(last_id, false);
        Sent { number, delivery: 1, message: Arc::new(message) }
    }

    /// Says that the stream has come to `last_id` without an event.
    pub(super) fn pass(&self, last_id: Arc<str>) {
        let mut state = self.lock();
        let number = state.push(last_id, false);
        state.settle(number, &self.resume);
    }

    /// An event that is to be delivered again, when its time has come.
    pub(super) fn due(&self, now: Instant) -> Option<Sent> {
        let mut state = self.lock();
        let at = state.again.iter().position(|(due, _)| *due <= now)?;
        let (_, mut sent) = state.again.remove(at);
        sent.delivery += 1;
        Some(sent)
    }

    /// When the next event is to be delivered again.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.lock().again.iter().map(|(due, _)| *due).min()
    }

    pub(super) fn settle(&self, sent: Sent, settlement: Settlement) -> Result<(), SourceError> {
        let mut state = self.lock();
        if state.is_closed {
            return Err("the connection is lost: the event may be delivered again".into());
        }
        let (number, delivery) = (sent.number, sent.delivery);
        let is_requeued = settlement == Settlement::Requeue;
        if is_requeued && delivery < self.max_deliveries {
            let pause = FIRST_PAUSE.saturating_mul(4_u32.saturating_pow(delivery - 1)).min(LONGEST_PAUSE);
            state.again.push((Instant::now() + pause, sent));
        } else {
            state.unsettled -= 1;
            state.settle(number, &self.resume);
        }
        drop(state);
        self.changed.notify_waiters();
        if is_requeued && delivery >= self.max_deliveries {
            return Err(format!("it was delivered {delivery} times, and is given up").into());
        }
        Ok(())
    }

    /// What is not settled by now is never settled.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.again.clear();
    }
}

impl State {
    fn push(&mut self, last_id: Arc<str>, is_settled: bool) -> u64 {
        let number = self.next;
        self.next += 1;
        self.entries.push_back(Entry { number, last_id, is_settled });
        number
    }

    /// Settles an entry, and moves the position behind all that are settled before the first that is not.
    fn settle(&mut self, number: u64, resume: &Resume) {
        let Ok(at) = self.entries.binary_search_by_key(&number, |entry| entry.number) else { return };
        self.entries[at].is_settled = true;
        if self.entries.get(at + 1).is_some_and(|next| next.is_settled) {
            self.entries.remove(at);
        }
        if let Some(before) = at.checked_sub(1)
            && self.entries[before].is_settled
        {
            self.entries.remove(before);
        }
        if self.entries.front().is_some_and(|entry| entry.is_settled)
            && let Some(entry) = self.entries.pop_front()
            && can_be_sent(&entry.last_id)
        {
            resume.lock().0 = entry.last_id;
        }
    }
}

/// How long an `id` may be that is sent back.
const LONGEST_ID: usize = 1024;

/// Whether an `id` can stand in a header.
pub(super) fn can_be_sent(id: &str) -> bool {
    id.len() <= LONGEST_ID && !id.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(prefetch: usize) -> (Arc<Resume>, Arc<Position>) {
        let resume = Arc::new(Resume::at("start"));
        (Arc::clone(&resume), Position::new(resume, prefetch, 3))
    }

    fn enter(position: &Position, ids: std::ops::Range<u32>) -> Vec<Sent> {
        ids.map(|id| position.enter(Message::default(), id.to_string().into())).collect()
    }

    #[test]
    fn it_stands_before_the_first_that_is_not_settled() {
        let (resume, position) = position(10);
        let sent = enter(&position, 0..6);
        for (number, last_id) in [(1, "start"), (3, "start"), (2, "start"), (0, "3"), (5, "3"), (4, "5")] {
            position.settle(sent[number].clone(), Settlement::Ack).expect("it is open");
            assert_eq!(&*resume.last_id(), last_id, "after {number}");
        }
        assert!(position.is_settled() && position.lock().entries.is_empty());
    }

    #[test]
    fn what_is_settled_behind_another_takes_one_place() {
        let (resume, position) = position(10);
        let first = enter(&position, 0..1);
        for id in 1..1000 {
            let sent = enter(&position, id..id + 1);
            position.settle(sent[0].clone(), Settlement::Reject).expect("it is open");
            position.pass(format!("{id} and a half").into());
        }
        assert_eq!(position.lock().entries.len(), 2);
        position.settle(first[0].clone(), Settlement::Ack).expect("it is open");
        assert_eq!(&*resume.last_id(), "999 and a half");
    }

    #[test]
    fn what_is_requeued_is_due_later_and_given_up_in_the_end() {
        let (resume, position) = position(1);
        let mut sent = enter(&position, 0..1).remove(0);
        for pause in [100, 400] {
            let (before, pause) = (Instant::now(), Duration::from_millis(pause));
            position.settle(sent, Settlement::Requeue).expect("it is open");
            let due = position.next_due().expect("it comes again");
            assert!((before + pause..=Instant::now() + pause).contains(&due) && !position.has_room());
            assert!(position.due(due - Duration::from_nanos(1)).is_none());
            sent = position.due(due).expect("its time has come");
        }
        let error = position.settle(sent, Settlement::Requeue).expect_err("it has had three deliveries");
        assert_eq!(error.to_string(), "it was delivered 3 times, and is given up");
        assert!(position.has_room());
        assert_eq!(&*resume.last_id(), "0");
    }

    #[test]
    fn nothing_is_settled_over_a_connection_that_is_lost() {
        let (resume, position) = position(10);
        let sent = enter(&position, 0..1).remove(0);
        position.close();
        assert!(position.settle(sent, Settlement::Ack).is_err());
        assert_eq!(&*resume.last_id(), "start");
    }

    #[test]
    fn an_id_that_no_header_can_hold_leaves_the_position_where_it_is() {
        let (resume, position) = position(10);
        for (id, last_id) in [("1", "1"), ("\u{1}", "1"), (&"x".repeat(1025), "1"), ("кот", "кот"), ("", "")] {
            position.pass(id.into());
            assert_eq!(&*resume.last_id(), last_id);
        }
    }
}
