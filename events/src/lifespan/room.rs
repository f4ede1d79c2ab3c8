//! How many events may wait for their delivery.

use crate::sync::{AtomicUsize, Ordering};

/// Places for events that wait. They are counted and nothing else: no order of other memory hangs on them.
#[derive(Debug)]
pub(crate) struct Room {
    taken: AtomicUsize,
    limit: usize,
}

impl Room {
    pub(crate) fn new(limit: usize) -> Self {
        Self { taken: AtomicUsize::new(0), limit }
    }

    /// Takes places, if so many are free.
    pub(crate) fn reserve_many(&self, places: usize) -> bool {
        let take = |taken: usize| taken.checked_add(places).filter(|taken| *taken <= self.limit);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Gives places back.
    pub(crate) fn release(&self, places: usize) {
        let taken = self.taken.fetch_sub(places, Ordering::Relaxed);
        debug_assert!(taken >= places, "{places} places are given back, {taken} were taken");
    }
}
