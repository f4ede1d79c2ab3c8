//! What has happened: every event with its fate, every run of a handler.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::tree::{Note, Slot};

pub(crate) type Id = usize;

/// What the dispatcher was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// None yet: the caller was dropped before, or has never asked.
    None,
    Accepted,
    Refused,
    /// Returned by a handler, which fails where it is refused.
    Returned {
        by: Id,
        slot: Slot,
    },
}

/// How a handler failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Error,
    /// An event that it returned was refused.
    Refused,
    Panic,
    Timeout,
    Aborted,
}

/// What one handler did with one event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    pub(crate) begun: usize,
    pub(crate) ended: usize,
    /// When it began, among all runs.
    pub(crate) at: usize,
    pub(crate) faults: Vec<Fault>,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) note: Note,
    pub(crate) answer: Answer,
    pub(crate) runs: HashMap<Slot, Run>,
    /// How many handlers and failures a `deliver` answered.
    pub(crate) delivery: Option<(usize, usize)>,
}

/// What a scope was given, in the order in which it was.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScopeBook {
    pub(crate) queue: Vec<Id>,
    /// What was flushed together.
    pub(crate) flushed: Vec<Vec<Id>>,
    pub(crate) discarded: Vec<Id>,
    /// Whether it forgot what was queued when it ended.
    pub(crate) discards_rest: bool,
    /// Whether some thread discarded while another may have dispatched and not yet written down that it had.
    pub(crate) raced: bool,
    /// What handlers were not done with when it answered.
    pub(crate) left_behind: Vec<Id>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    pub(crate) events: Vec<Entry>,
    pub(crate) scopes: Vec<ScopeBook>,
    /// What was seen to be wrong on the way.
    pub(crate) complaints: Vec<String>,
    /// How many events the lifespan took at its end, where it was known to be empty.
    pub(crate) room: Option<usize>,
    /// Whether something happened on a thread of its own, and not when the case says.
    pub(crate) threads: bool,
    clock: usize,
}

impl Book {
    /// Whether some handler of an accepted event has not come to its end, one that may be timed out excepted.
    pub(crate) fn is_at_work(&self, id: Id) -> bool {
        let entry = &self.events[id];
        let ended = |slot| entry.runs.get(&slot).is_some_and(|run| run.ended == 1);
        let mut slots = entry.note.kind.delivered_to();
        entry.answer == Answer::Accepted && !slots.all(|slot| slot == Slot::Right || ended(slot))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Book>);

impl Ledger {
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn new_event(&self, note: &Note) -> Id {
        let mut book = self.book();
        let entry = Entry { note: note.clone(), answer: Answer::None, runs: HashMap::new(), delivery: None };
        book.events.push(entry);
        book.events.len() - 1
    }

    pub(crate) fn answered(&self, id: Id, answer: Answer, scope: Option<usize>) {
        let mut book = self.book();
        book.events[id].answer = answer;
        if let (Some(scope), Answer::Accepted | Answer::Returned { .. }) = (scope, answer) {
            book.scopes[scope].queue.push(id);
        }
    }

    pub(crate) fn begun(&self, id: Id, slot: Slot) {
        let mut book = self.book();
        book.clock += 1;
        let at = book.clock;
        book.threads |= slot == Slot::Off;
        let run = book.events[id].runs.entry(slot).or_default();
        run.begun += 1;
        run.at = at;
    }

    pub(crate) fn ended(&self, id: Id, slot: Slot) {
        self.book().events[id].runs.entry(slot).or_default().ended += 1;
    }

    pub(crate) fn failed(&self, id: Id, slot: Slot, fault: Fault) {
        self.book().events[id].runs.entry(slot).or_default().faults.push(fault);
    }

    pub(crate) fn new_scope(&self) -> usize {
        let mut book = self.book();
        book.scopes.push(ScopeBook::default());
        book.scopes.len() - 1
    }

    pub(crate) fn complain(&self, complaint: String) {
        self.book().complaints.push(complaint);
    }
}
