//! The last events of a feed, which all of its readers read.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::Bytes;

use crate::envelope::Envelope;

/// An event of a feed.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: Box<str>,
    pub(super) frame: Bytes,
    /// What patterns and filters look at.
    pub(super) envelope: Envelope,
}

impl Entry {
    /// How much of the memory it takes, as far as it can be told.
    pub(super) fn bytes(&self) -> usize {
        self.id.len() + self.frame.len() + self.envelope.payload().len()
    }
}

/// As many of the last events as its bounds allow, each with a number.
#[derive(Debug)]
pub(super) struct Log {
    entries: VecDeque<Arc<Entry>>,
    /// The number of the first one.
    first: u64,
    bytes: usize,
    max_events: usize,
    max_bytes: usize,
}

/// Where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) number: u64,
    /// Whether events may have been between the last one that it has and this one.
    pub(super) has_lost: bool,
}

impl Log {
    pub(super) fn new(max_events: usize, max_bytes: usize) -> Self {
        Self { entries: VecDeque::new(), first: 0, bytes: 0, max_events: max_events.max(1), max_bytes }
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.bytes += entry.bytes();
        self.entries.push_back(Arc::new(entry));
        while self.entries.len() > self.max_events || self.bytes > self.max_bytes && self.entries.len() > 1 {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= oldest.bytes();
                self.first += 1;
            }
        }
    }

    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// The number of the event that comes next.
    pub(super) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// Events from a number on, so many at most.
    pub(super) fn from(&self, number: u64, count: usize) -> Vec<Arc<Entry>> {
        let skipped = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.entries.iter().skip(skipped).take(count).map(Arc::clone).collect()
    }

    /// Where a reader goes on that has an `id`; at the oldest event where the `id` is not known. An event may have come twice,
    /// and then what came after the first time comes again, so that nothing is lost.
    pub(super) fn after(&self, id: &str) -> Start {
        match self.entries.iter().zip(self.first..).find(|(entry, _)| &*entry.id == id) {
            Some((_, number)) => Start { number: number + 1, has_lost: false },
            None => Start { number: self.first, has_lost: true },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(max_events: usize, max_bytes: usize, ids: &[&str]) -> Log {
        let mut log = Log::new(max_events, max_bytes);
        for id in ids {
            log.push(Entry {
                id: (*id).into(),
                frame: Bytes::from_static(b"12345"),
                envelope: Envelope::new("a", "1234"),
            });
        }
        log
    }

    fn ids(log: &Log, from: u64) -> Vec<String> {
        log.from(from, 10).iter().map(|entry| entry.id.to_string()).collect()
    }

    #[test]
    fn it_holds_no_more_than_its_bounds() {
        assert_eq!(ids(&log(2, 1000, &["a", "b", "c"]), 0), ["b", "c"]);
        assert_eq!(ids(&log(10, 20, &["a", "b", "c"]), 0), ["b", "c"]);
        assert_eq!(ids(&log(10, 1, &["a", "b", "c"]), 0), ["c"], "the last one is held whatever its size");
    }

    #[test]
    fn a_reader_goes_on_behind_its_id() {
        let log = log(3, 1000, &["a", "b", "c", "d"]);
        for (id, number, has_lost) in [("b", 2, false), ("d", 4, false), ("a", 1, true), ("x", 1, true)] {
            assert_eq!(log.after(id), Start { number, has_lost }, "{id}");
        }
        assert_eq!(ids(&log, 2), ["c", "d"]);
        assert_eq!((log.first(), log.end()), (1, 4));
    }

    #[test]
    fn of_two_with_one_id_the_first_counts() {
        assert_eq!(log(9, 1000, &["a", "b", "a", "c"]).after("a"), Start { number: 1, has_lost: false });
    }
}
