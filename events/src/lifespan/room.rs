//! How many events may wait for their delivery.

use super::kept::Kept;
use crate::sync::{AtomicUsize, Mutex, MutexGuard, Notify, Ordering, PoisonError};

/// Somebody waits until a place is free.
const WATCHED: usize = 0b1;
const ONE: usize = 0b10;

/// Places for events that wait. They are counted and nothing else: no order of other memory hangs on them, but for who waits.
///
/// Where there is plenty of room, places that are given back are kept by their thread for its next events, and count as taken.
/// Before anybody is refused, and before anybody waits, all that is kept is given back, and nothing is kept until half of the
/// room is free again.
#[derive(Debug)]
pub(crate) struct Room {
    /// Whether somebody waits in the lowest bit, how many are taken above it.
    state: AtomicUsize,
    limit: usize,
    kept: Kept,
    /// Held to change whether places are kept.
    keeping: Mutex<()>,
    freed: Notify,
}

impl Room {
    /// Room for so many events, which that many threads use all the time.
    pub(crate) fn new(limit: usize, threads: usize) -> Self {
        Self {
            state: AtomicUsize::new(0),
            limit: limit.min(usize::MAX / ONE),
            kept: Kept::new(threads, limit),
            keeping: Mutex::new(()),
            freed: Notify::default(),
        }
    }

    /// Takes places, if so many are free.
    #[inline]
    pub(crate) fn reserve_many(&self, places: usize) -> bool {
        self.kept.take(places) || self.count_in(places) || self.reserve_the_last(places)
    }

    fn count_in(&self, places: usize) -> bool {
        let take = |state: usize| {
            let taken = (state / ONE).checked_add(places).filter(|taken| *taken <= self.limit)?;
            Some((taken * ONE) | (state & WATCHED))
        };
        self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    #[cold]
    fn reserve_the_last(&self, places: usize) -> bool {
        self.gather().is_some_and(|_keeping| self.count_in(places))
    }

    /// Has everything counted in one place, at least until the guard is dropped; there is none where it always is.
    fn gather(&self) -> Option<MutexGuard<'_, ()>> {
        if !self.kept.may() {
            return None;
        }
        let keeping = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = self.kept.shut();
        // Nothing given back is nothing to tell of: those who wait would go on waking each other.
        if kept > 0 {
            self.count_out(kept);
        }
        Some(keeping)
    }

    pub(crate) fn taken(&self) -> usize {
        (self.state.load(Ordering::Acquire) / ONE).saturating_sub(self.kept.count())
    }

    pub(crate) fn is_full(&self) -> bool {
        self.taken() >= self.limit
    }

    /// Gives places back.
    #[inline]
    pub(crate) fn release(&self, places: usize) {
        if self.kept.put_or(places, |places| self.count_out(places)) {
            self.keep_again();
        }
    }

    fn count_out(&self, places: usize) {
        let before = self.state.fetch_sub(places * ONE, Ordering::AcqRel);
        debug_assert!(before / ONE >= places, "{places} places are given back, {} were taken", before / ONE);
        if before & WATCHED != 0 {
            self.tell();
        }
    }

    fn keep_again(&self) {
        let is_quiet = || {
            let state = self.state.load(Ordering::Acquire);
            state & WATCHED == 0 && state / ONE <= self.limit / 2
        };
        if is_quiet() {
            let Ok(_keeping) = self.keeping.try_lock() else { return };
            if is_quiet() {
                self.kept.open();
            }
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
            if self.watch() / ONE < self.limit {
                return;
            }
            freed.await;
        }
    }

    /// Wants to be told when a place is free; answers what was so before.
    fn watch(&self) -> usize {
        let _keeping = self.gather();
        self.state.fetch_or(WATCHED, Ordering::AcqRel)
    }
}
