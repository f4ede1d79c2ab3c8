//! What shutdown waits for.

use super::Lifespan;

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
