//! Whether a lifespan takes work, and whether any is left.

use super::kept::Kept;
use crate::sync::{AtomicBool, AtomicUsize, Notify, Ordering};

const OPEN: usize = 0;
const DRAINING: usize = 1;
const CLOSED: usize = 2;
const PHASE: usize = 0b11;
const WATCHED: usize = 0b100;
const ONE: usize = 0b1000;

/// A phase and a count of work in one number, so that the last work and whoever waits for it cannot miss each other.
///
/// While the gate is open and nobody waits, work that leaves is kept by its thread, for the next that enters there: it is in
/// the count still. Before the phase changes, and before anybody waits, what is kept is taken out, and nothing is kept any more.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The phase in the two lowest bits, whether somebody watches in the next one, the count above them.
    state: AtomicUsize,
    kept: Kept,
    /// Told when the gate drains, and whenever it is empty while it drains or is watched.
    changed: Notify,
}

impl Gate {
    /// A gate that so many threads pass all the time.
    pub(crate) fn new(threads: usize) -> Self {
        Self { state: AtomicUsize::new(0), kept: Kept::new(threads, usize::MAX), changed: Notify::default() }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state.load(Ordering::Acquire) & PHASE == OPEN
    }

    /// Whether it takes nothing at all any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.state.load(Ordering::Acquire) & PHASE == CLOSED
    }

    /// How much work is left.
    pub(crate) fn left(&self) -> usize {
        (self.state.load(Ordering::Acquire) / ONE).saturating_sub(self.kept.count())
    }

    /// Counts one more piece of work, unless the gate is closed, or draining and the work comes from outside.
    #[inline]
    pub(crate) fn enter(&self, inside: bool) -> bool {
        self.kept.take(1) || self.count_in(inside)
    }

    fn count_in(&self, inside: bool) -> bool {
        let admit = |state: usize| match state & PHASE {
            OPEN => Some(state + ONE),
            DRAINING if inside => Some(state + ONE),
            _ => None,
        };
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, admit).is_ok()
    }

    /// Takes back what `enter` counted.
    #[inline]
    pub(crate) fn leave(&self) {
        self.kept.put_or(1, |work| self.count_out(work));
    }

    fn count_out(&self, work: usize) {
        let before = self.state.fetch_sub(work * ONE, Ordering::AcqRel);
        if before / ONE == work && before & (DRAINING | WATCHED) != 0 {
            self.changed.notify_waiters();
        }
    }

    /// Has everything counted in one place from now on.
    fn gather(&self) {
        let kept = self.kept.shut();
        if kept > 0 {
            self.count_out(kept);
        }
    }

    /// Takes no more from outside.
    pub(crate) fn drain(&self) {
        self.gather();
        let drain = |state: usize| (state & PHASE == OPEN).then_some(state + DRAINING);
        if self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, drain).is_ok() {
            self.changed.notify_waiters();
        }
    }

    /// Takes nothing at all any more, if nothing is left.
    pub(crate) fn close_if_empty(&self) -> bool {
        let close = |state: usize| (state & !WATCHED == DRAINING).then_some(state & WATCHED | CLOSED);
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, close).is_ok()
    }

    /// Takes nothing at all any more, whatever is left.
    pub(crate) fn close(&self) {
        self.gather();
        let close = |state: usize| Some(state & !PHASE | CLOSED);
        let _ = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, close);
    }

    /// Waits until the gate is open no longer.
    pub(crate) async fn draining(&self) {
        self.until(|state| state & PHASE != OPEN).await;
    }

    /// Waits until nothing is left, once the gate drains.
    pub(crate) async fn empty(&self) {
        self.until(|state| state & PHASE != OPEN && state / ONE == 0).await;
    }

    /// Waits until nothing is left, in whatever phase. From the first call on, whoever leaves last tells of it.
    #[cfg_attr(not(feature = "testing"), allow(dead_code, reason = "tests alone wait for it"))]
    pub(crate) async fn idle(&self) {
        self.gather();
        self.state.fetch_or(WATCHED, Ordering::AcqRel);
        self.until(|state| state / ONE == 0).await;
    }

    async fn until(&self, reached: impl Fn(usize) -> bool) {
        loop {
            let changed = self.changed.notified();
            if reached(self.state.load(Ordering::Acquire)) {
                return;
            }
            changed.await;
        }
    }
}

/// The end that waits for nothing.
#[derive(Debug, Default)]
pub(crate) struct Force {
    forced: AtomicBool,
    told: Notify,
}

impl Force {
    pub(crate) fn is_forced(&self) -> bool {
        self.forced.load(Ordering::Acquire)
    }

    pub(crate) fn force(&self) {
        self.forced.store(true, Ordering::Release);
        self.told.notify_waiters();
    }

    pub(crate) async fn wait(&self) {
        loop {
            let told = self.told.notified();
            if self.is_forced() {
                return;
            }
            told.await;
        }
    }
}

#[cfg(all(test, not(events_loom)))]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::Gate;

    #[test]
    fn closes_behind_the_last() {
        let gate = Gate::new(2);
        assert!(gate.enter(false));
        gate.drain();
        assert!(!gate.enter(false), "from outside");
        assert!(gate.enter(true), "from inside");
        gate.leave();
        assert!(!gate.close_if_empty());
        gate.leave();
        assert!(gate.enter(true), "not closed yet");
        gate.leave();
        assert!(gate.close_if_empty());
        assert!(!gate.enter(true), "closed");
        gate.drain();
        assert!(!gate.is_open());
    }

    #[test]
    fn closes_behind_the_last_though_it_is_watched() {
        let gate = Gate::new(2);
        let mut cx = Context::from_waker(Waker::noop());
        let mut idle = pin!(gate.idle());
        assert!(gate.enter(false));
        assert!(idle.as_mut().poll(&mut cx).is_pending());
        gate.drain();
        assert!(!gate.close_if_empty());
        gate.leave();
        assert!(idle.as_mut().poll(&mut cx).is_ready());
        assert!(gate.close_if_empty() && gate.is_closed());
        assert_eq!((gate.left(), gate.enter(true)), (0, false));
    }

    #[test]
    fn closes_over_what_is_left() {
        let gate = Gate::new(2);
        assert!(gate.enter(true));
        gate.close();
        assert_eq!((gate.left(), gate.enter(true)), (1, false));
        gate.leave();
        assert_eq!(gate.left(), 0);
    }
}
