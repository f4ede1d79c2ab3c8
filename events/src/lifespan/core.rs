//! What the handles of a lifespan share.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::runtime::Handle;

use super::gate::Gate;
use crate::any::AnyEvent;
use crate::failure::Failure;
use crate::metadata::{EventId, random_part};
use crate::route::Routes;

/// The bounds of a lifespan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_hops: u32,
    pub(crate) max_pending: usize,
}

/// Values by their type.
pub(crate) type StateMap = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) id: u64,
    pub(crate) runtime: Handle,
    pub(crate) routes: Routes,
    pub(crate) limits: Limits,
    pub(crate) gate: Gate,
    pub(crate) counters: Counters,
    state: StateMap,
    next_number: AtomicU64,
    pending: AtomicUsize,
}

/// What has happened since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) delivered: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) aborted: AtomicU64,
}

impl Core {
    pub(crate) fn new(runtime: Handle, routes: Routes, limits: Limits, state: StateMap) -> Self {
        Self {
            id: random_part(),
            runtime,
            routes,
            limits,
            state,
            gate: Gate::default(),
            counters: Counters::default(),
            next_number: AtomicU64::new(1),
            pending: AtomicUsize::new(0),
        }
    }

    pub(crate) fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.state.get(&TypeId::of::<T>()).and_then(|value| Arc::clone(value).downcast().ok())
    }

    pub(crate) fn next_id(&self) -> EventId {
        EventId::local(self.id, self.next_number.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether the caller runs on the lifespan's runtime.
    pub(crate) fn is_here(&self) -> bool {
        Handle::try_current().is_ok_and(|current| current.id() == self.runtime.id())
    }

    /// Counts one more event that waits for its delivery, if there is room for it.
    pub(crate) fn reserve(&self) -> bool {
        let waiting = self.pending.fetch_add(1, Ordering::Relaxed);
        let fits = waiting < self.limits.max_pending;
        if !fits {
            self.pending.fetch_sub(1, Ordering::Relaxed);
        }
        fits
    }

    /// Takes back what `reserve` counted; `lost` are those of the events whose handlers have not all run.
    pub(crate) fn settle(&self, count: usize, lost: &[AnyEvent]) {
        self.pending.fetch_sub(count, Ordering::Relaxed);
        let lost_count = lost.len() as u64;
        self.counters.delivered.fetch_add(count as u64 - lost_count, Ordering::Relaxed);
        if let Some(first) = lost.first() {
            self.counters.aborted.fetch_add(lost_count, Ordering::Relaxed);
            tracing::error!(
                target: "events",
                lifespan = format_args!("{:016x}", self.id),
                event = first.name(),
                id = %first.id(),
                count = lost_count,
                "a delivery was aborted: the runtime of the lifespan has ended before it",
            );
        }
    }

    /// Tells of a failure wherever somebody may look for it.
    pub(crate) fn report(&self, failure: &Failure) {
        self.counters.failed.fetch_add(1, Ordering::Relaxed);
        let place = failure.place();
        tracing::error!(
            target: "events",
            event = failure.event().name(),
            id = %failure.event().id(),
            handler = failure.handler(),
            file = place.file(),
            line = place.line(),
            duration = ?failure.duration(),
            error = %failure.cause(),
            "a handler failed",
        );
    }
}
