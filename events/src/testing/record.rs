//! What has happened in the lifespan of a test, in order.

use std::collections::HashMap;

use crate::any::AnyEvent;
use crate::failure::Failure;
use crate::metadata::EventId;

/// How many things a record holds. Past it the record is full, and assertions panic instead of speaking of a part.
pub(super) const CAPACITY: usize = 65_536;

#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) entries: Vec<Entry>,
    by_id: HashMap<EventId, usize>,
    /// In the order in which their deliveries have ended.
    delivered: Vec<usize>,
    pub(super) is_full: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The event whose handler did it.
    pub(super) parent: Option<EventId>,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Dispatched(Dispatched),
    Refused(String),
    Failed(Failure),
}

/// An event that was accepted, and what has become of it.
#[derive(Clone, Debug)]
pub(super) struct Dispatched {
    pub(super) event: AnyEvent,
    /// How many handlers have ended.
    pub(super) handlers: usize,
    pub(super) is_delivered: bool,
}

impl Record {
    pub(super) fn dispatched(&mut self, event: &AnyEvent) {
        let dispatched = Dispatched { event: event.clone(), handlers: 0, is_delivered: false };
        if self.push(event.causation().cloned(), What::Dispatched(dispatched)) {
            self.by_id.insert(event.id().clone(), self.entries.len() - 1);
        }
    }

    pub(super) fn refused(&mut self, error: String, cause: Option<EventId>) {
        self.push(cause, What::Refused(error));
    }

    pub(super) fn failed(&mut self, failure: &Failure) {
        self.push(failure.event().map(|event| event.id().clone()), What::Failed(failure.clone()));
    }

    pub(super) fn ran(&mut self, event: &AnyEvent, handlers: usize) {
        self.update(event, |dispatched| dispatched.handlers += handlers);
    }

    pub(super) fn delivered(&mut self, event: &AnyEvent) {
        self.delivered.extend(self.by_id.get(event.id()));
        self.update(event, |dispatched| dispatched.is_delivered = true);
    }

    fn push(&mut self, parent: Option<EventId>, what: What) -> bool {
        let fits = self.entries.len() < CAPACITY;
        if fits {
            self.entries.push(Entry { parent, what });
        }
        self.is_full |= !fits;
        fits
    }

    fn update(&mut self, event: &AnyEvent, update: impl FnOnce(&mut Dispatched)) {
        let entry = self.by_id.get(event.id()).and_then(|index| self.entries.get_mut(*index));
        if let Some(Entry { what: What::Dispatched(dispatched), .. }) = entry {
            update(dispatched);
        }
    }

    /// The events that were accepted, in order.
    pub(super) fn events(&self) -> impl Iterator<Item = &AnyEvent> + Clone {
        self.entries.iter().filter_map(Entry::event)
    }

    /// The events that were delivered, in the order of their ends.
    pub(super) fn delivered_events(&self) -> impl Iterator<Item = &AnyEvent> {
        self.delivered.iter().filter_map(|index| self.entries[*index].event())
    }

    pub(super) fn failures(&self) -> impl Iterator<Item = &Failure> + Clone {
        self.entries.iter().filter_map(|entry| match &entry.what {
            What::Failed(failure) => Some(failure),
            What::Dispatched(_) | What::Refused(_) => None,
        })
    }
}

impl Entry {
    pub(super) fn event(&self) -> Option<&AnyEvent> {
        match &self.what {
            What::Dispatched(dispatched) => Some(&dispatched.event),
            What::Refused(_) | What::Failed(_) => None,
        }
    }
}
