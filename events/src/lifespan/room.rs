//! How many events may wait for their delivery.

use crate::sync::{AtomicUsize, Notify, Ordering};

/// Somebody waits until a place is free.
const WATCHED: usize = 0b1;
const ONE: usize = 0b10;

/// Places for events that wait. They are counted and nothing else: no order of other memory hangs on them, but for who waits.
#[derive(Debug)]
pub(crate) struct Room {
    /// Whether somebody waits in the lowest bit, how many are taken above it.
    state: AtomicUsize,
    limit: usize,
    freed: Notify,
}

impl Room {
    pub(crate) fn new(limit: usize) -> Self {
        Self { state: AtomicUsize::new(0), limit: limit.min(usize::MAX / ONE), freed: Notify::default() }
    }

    /// Takes places, if so many are free.
    pub(crate) fn reserve_many(&self, places: usize) -> bool {
        let take = |state: usize| {
            let taken = (state / ONE).checked_add(places).filter(|taken| *taken <= self.limit)?;
            Some((taken * ONE) | (state & WATCHED))
        };
        self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    pub(crate) fn taken(&self) -> usize {
        self.state.load(Ordering::Relaxed) / ONE
    }

    pub(crate) fn is_full(&self) -> bool {
        self.taken() >= self.limit
    }

    /// Gives places back.
    pub(crate) fn release(&self, places: usize) {
        let before = self.state.fetch_sub(places * ONE, Ordering::AcqRel);
        debug_assert!(before / ONE >= places, "{places} places are given back, {} were taken", before / ONE);
        if before & WATCHED != 0 {
            self.tell();
        }
    }

    #[cold]
    fn tell(&self) {
        // Who watches from now on has seen what is free, or is told.
        self.state.fetch_and(!WATCHED, Ordering::AcqRel);
        self.freed.notify_waiters();
    }

    /// Waits until a place is free, which somebody else may take.
    pub(crate) async fn free(&self) {
        loop {
            let freed = self.freed.notified();
            if self.state.fetch_or(WATCHED, Ordering::AcqRel) / ONE < self.limit {
                return;
            }
            freed.await;
        }
    }
}
