//! Whether a lifespan takes work, and whether any is left.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::Lifespan;

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
    closed: Notify,
}

impl Gate {
    pub(crate) fn is_open(&self) -> bool {
        self.state.load(Ordering::Acquire) & PHASE == OPEN
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

    fn leave(&self) {
        let before = self.state.fetch_sub(ONE, Ordering::AcqRel);
        if before == DRAINING + ONE {
            self.close_if_empty();
        }
    }

    /// Takes no more from outside, and closes once nothing is left inside.
    pub(crate) fn drain(&self) {
        self.state.fetch_or(DRAINING, Ordering::AcqRel);
        self.close_if_empty();
    }

    fn close_if_empty(&self) {
        if self.state.compare_exchange(DRAINING, CLOSED, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            self.closed.notify_waiters();
        }
    }

    /// Waits until the gate has closed.
    pub(crate) async fn wait(&self) {
        loop {
            let closed = self.closed.notified();
            if self.state.load(Ordering::Acquire) & CLOSED != 0 {
                return;
            }
            closed.await;
        }
    }
}

/// A piece of work that shutdown waits for: an open scope, a delivery.
#[derive(Debug)]
pub(crate) struct Work {
    lifespan: Lifespan,
}

impl Work {
    /// Takes over a count that the gate has given.
    pub(super) fn new(lifespan: Lifespan) -> Self {
        Self { lifespan }
    }

    pub(crate) fn lifespan(&self) -> &Lifespan {
        &self.lifespan
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.lifespan.core().gate.leave();
    }
}

#[cfg(test)]
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
        assert!(gate.enter(true), "not empty yet");
        gate.leave();
        gate.leave();
        assert!(!gate.enter(true), "closed");
        gate.drain();
        assert!(!gate.is_open());
    }
}
