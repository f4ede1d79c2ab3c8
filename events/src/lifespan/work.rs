//! What shutdown waits for.

use super::Lifespan;

/// A piece of work that shutdown waits for: an open scope, a delivery.
#[derive(Debug)]
pub(crate) struct Work {
    lifespan: Lifespan,
    is_counted: bool,
}

impl Work {
    /// Takes over a count that the gate has given.
    pub(super) fn new(lifespan: Lifespan) -> Self {
        Self { lifespan, is_counted: true }
    }

    /// Work for which others see to it that the end of the lifespan waits.
    pub(crate) fn uncounted(lifespan: Lifespan) -> Self {
        Self { lifespan, is_counted: false }
    }

    pub(crate) fn lifespan(&self) -> &Lifespan {
        &self.lifespan
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if self.is_counted {
            self.lifespan.core().gate.leave();
        }
    }
}
