//! Whether a lifespan takes work, and whether any is left.

use crate::sync::{AtomicBool, AtomicUsize, Notify, Ordering};

const OPEN: usize = 0;
const DRAINING: usize = 1;
const CLOSED: usize = 2;
const PHASE: usize = 0b11;
const ONE: usize = 0b100;

/// A phase and a count of work in one number, so that the last work and the end of the lifespan cannot miss each other.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// The phase in the two lowest bits, the count above them.
    state: AtomicUsize,
    /// Told when the gate drains, and whenever it is empty while it drains.
    changed: Notify,
}

impl Gate {
    pub(crate) fn is_open(&self) -> bool {
        self.state.load(Ordering::Acquire) & PHASE == OPEN
    }

    /// Whether it takes nothing at all any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.state.load(Ordering::Acquire) & PHASE == CLOSED
    }

    /// How much work is left.
    pub(crate) fn left(&self) -> usize {
        self.state.load(Ordering::Acquire) / ONE
    }

    /// Counts one more piece of work, unless the gate is closed, or draining and the work comes from outside.
    pub(crate) fn enter(&self, inside: bool) -> bool {
        let admit = |state: usize| match state & PHASE {
            OPEN => Some(state + ONE),
            DRAINING if inside => Some(state + ONE),
            _ => None,
        };
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, admit).is_ok()
    }

    /// Takes back what `enter` counted.
    pub(crate) fn leave(&self) {
        let before = self.state.fetch_sub(ONE, Ordering::AcqRel);
        if before == DRAINING + ONE {
            self.changed.notify_waiters();
        }
    }

    /// Takes no more from outside.
    pub(crate) fn drain(&self) {
        let drain = |state: usize| (state & PHASE == OPEN).then_some(state + DRAINING);
        if self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, drain).is_ok() {
            self.changed.notify_waiters();
        }
    }

    /// Takes nothing at all any more, if nothing is left.
    pub(crate) fn close_if_empty(&self) -> bool {
        self.state.compare_exchange(DRAINING, CLOSED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Takes nothing at all any more, whatever is left.
    pub(crate) fn close(&self) {
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
    use super::Gate;

    #[test]
    fn closes_behind_the_last() {
        let gate = Gate::default();
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
    fn closes_over_what_is_left() {
        let gate = Gate::default();
        assert!(gate.enter(true));
        gate.close();
        assert_eq!((gate.left(), gate.enter(true)), (1, false));
        gate.leave();
        assert_eq!(gate.left(), 0);
    }
}
