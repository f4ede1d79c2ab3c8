//! What shutdown waits for.

use std::sync::Arc;

use super::Lifespan;
use crate::scope::ScopeQueue;

/// A piece of work that shutdown waits for: an open scope, a delivery.
#[derive(Debug)]
pub(crate) struct Work {
    of: Of,
    is_counted: bool,
}

#[derive(Debug)]
enum Of {
    Lifespan(Lifespan),
    Scope(Arc<ScopeQueue>),
}

impl Work {
    /// Takes over a count that the gate has given.
    pub(super) fn new(lifespan: Lifespan) -> Self {
        Self { of: Of::Lifespan(lifespan), is_counted: true }
    }

    /// Takes over the count that an open scope has.
    pub(crate) fn of_scope(scope: Arc<ScopeQueue>) -> Self {
        Self { of: Of::Scope(scope), is_counted: true }
    }

    /// Work for which others see to it that the end of the lifespan waits.
    pub(crate) fn uncounted(lifespan: Lifespan) -> Self {
        Self { of: Of::Lifespan(lifespan), is_counted: false }
    }

    pub(crate) fn lifespan(&self) -> &Lifespan {
        match &self.of {
            Of::Lifespan(lifespan) => lifespan,
            Of::Scope(scope) => scope.lifespan(),
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if self.is_counted {
            self.lifespan().core().gate.leave();
        }
    }
}
