//! What the handles of a lifespan share.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::SetOnce;

use super::gate::{Force, Gate};
use super::here;
use super::numbers::Numbers;
use super::places::Places;
use super::room::Room;
use super::shutdown::{AbortedWork, ShutdownReport};
use super::stripes::Stripes;
use super::switch::Switch;
use crate::any::AnyEvent;
use crate::dispatch::DispatchError;
use crate::failure::{Failure, FailureCause};
use crate::flow::Parts;
use crate::handler::HandlerDecl;
use crate::metadata::{Cause, EventId, random_part};
use crate::provider::{Provided, Replacements};
use crate::route::Routes;
use crate::seam::Seam;
use crate::sink::Outlets;
use crate::source::{Inlet, Readers};
use crate::telemetry::Meters;
use crate::var::VarStore;

/// The bounds of a lifespan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_hops: u32,
    pub(crate) max_pending: usize,
    pub(crate) max_at_work: usize,
    pub(crate) shutdown_deadline: Duration,
}

/// Values by their type.
pub(crate) type StateMap = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

/// The functions that a lifespan calls without an event.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    pub(crate) startup: Vec<&'static HandlerDecl>,
    pub(crate) shutdown: Vec<&'static HandlerDecl>,
    pub(crate) failure: Vec<&'static HandlerDecl>,
    pub(crate) every: Vec<&'static HandlerDecl>,
}

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) id: u64,
    pub(crate) runtime: Handle,
    pub(crate) routes: Routes,
    pub(crate) hooks: Hooks,
    pub(crate) limits: Limits,
    pub(crate) gate: Gate,
    pub(crate) force: Force,
    /// Places for handlers that wait.
    pub(crate) at_work: Places,
    pub(crate) counters: Counters,
    pub(crate) aborted: AbortedWork,
    /// Whether somebody has begun to end the lifespan.
    pub(crate) ending: AtomicBool,
    pub(crate) ended: SetOnce<ShutdownReport>,
    pub(crate) vars: Arc<VarStore>,
    /// What the lifespan providers have made.
    pub(crate) provided: Arc<Provided>,
    pub(crate) replacements: Arc<Replacements>,
    pub(crate) stage: Progress,
    pub(crate) readers: Readers,
    pub(crate) inlets: Vec<Arc<Inlet>>,
    pub(crate) outlets: Arc<Outlets>,
    pub(crate) parts: Parts,
    /// What envelopes say of where an event comes from.
    pub(crate) origin: Arc<str>,
    pub(crate) switch: Switch,
    pub(crate) seam: Seam,
    pub(super) state: StateMap,
    numbers: Numbers,
    next_scope: AtomicU64,
    room: Room,
    pub(crate) meters: Meters,
    /// Failures on their way to the hooks, which take room as events do.
    pub(crate) failures_to_tell: AtomicUsize,
}

/// How far the start has come, once the providers have made their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Startup hooks run, so that shutdown hooks will.
    Hooks = 1,
    Started = 2,
}

/// A stage that others may look at.
#[derive(Debug, Default)]
pub(crate) struct Progress(AtomicU8);

impl Progress {
    pub(crate) fn set(&self, stage: Stage) {
        self.0.store(stage as u8, Ordering::Release);
    }

    pub(crate) fn has_reached(&self, stage: Stage) -> bool {
        self.0.load(Ordering::Acquire) >= stage as u8
    }
}

/// What has happened since the start.
#[derive(Debug)]
pub(crate) struct Counters {
    delivered: Stripes<AtomicU64>,
    pub(crate) failed: AtomicU64,
}

impl Counters {
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered.iter().map(|delivered| delivered.load(Ordering::Relaxed)).sum()
    }
}

impl Core {
    pub(crate) fn new(
        runtime: Handle,
        routes: Routes,
        hooks: Hooks,
        limits: Limits,
        state: StateMap,
        seam: Seam,
        meters: Meters,
    ) -> Self {
        let threads = runtime.metrics().num_workers();
        Self {
            id: random_part(),
            runtime,
            routes,
            hooks,
            limits,
            state,
            seam,
            gate: Gate::new(threads),
            force: Force::default(),
            at_work: Places::new(limits.max_at_work, threads),
            counters: Counters { delivered: Stripes::new(threads), failed: AtomicU64::new(0) },
            aborted: AbortedWork::default(),
            ending: AtomicBool::new(false),
            ended: SetOnce::new(),
            vars: Arc::default(),
            provided: Arc::default(),
            replacements: Arc::default(),
            stage: Progress::default(),
            readers: Readers::default(),
            inlets: Vec::new(),
            outlets: Arc::default(),
            parts: Parts::default(),
            origin: Arc::from(""),
            switch: Switch::default(),
            numbers: Numbers::new(threads),
            next_scope: AtomicU64::new(1),
            room: Room::new(limits.max_pending, threads),
            meters,
            failures_to_tell: AtomicUsize::new(0),
        }
    }

    pub(crate) fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.state.get(&TypeId::of::<T>()).and_then(|value| Arc::clone(value).downcast().ok())
    }

    pub(crate) fn next_id(&self) -> EventId {
        EventId::local(self.id, self.numbers.next())
    }

    /// The number of a scope that somebody looks at.
    pub(crate) fn next_scope(&self) -> u64 {
        self.next_scope.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether the caller runs on the lifespan's runtime.
    pub(crate) fn is_here(&self) -> bool {
        here::is_on(&self.runtime)
    }

    /// How many events wait for their delivery.
    pub(crate) fn waiting(&self) -> usize {
        self.room.taken().saturating_sub(self.failures_to_tell.load(Ordering::Relaxed))
    }

    /// How many places are taken: by events, and by failures on their way to the hooks.
    pub(crate) fn pending(&self) -> usize {
        self.room.taken()
    }

    /// Whether what comes from a source would not be taken now.
    pub(crate) fn holds_back(&self) -> bool {
        self.switch.is_off() || self.room.is_full()
    }

    /// Waits until what comes from a source is taken, unless somebody else is faster.
    pub(crate) async fn lets_in(&self) {
        while self.holds_back() {
            self.switch.on().await;
            self.room.free().await;
        }
    }

    /// Counts one more event that waits for its delivery, if there is room for it.
    pub(crate) fn reserve(&self) -> bool {
        self.reserve_many(1)
    }

    /// Counts so many more events, if there is room for all of them.
    pub(crate) fn reserve_many(&self, events: usize) -> bool {
        let has_room = self.room.reserve_many(events);
        if has_room {
            self.meters.took(events);
        }
        has_room
    }

    /// Takes back what `reserve_many` counted and nobody has used.
    pub(crate) fn release_many(&self, events: usize) {
        self.meters.gave_back(events);
        self.room.release(events);
    }

    /// Takes back what `reserve` counted: of these events, so many have been delivered, and the others never will be.
    pub(crate) fn settle(&self, events: &[AnyEvent], delivered: usize) {
        self.counters.delivered.mine().fetch_add(delivered as u64, Ordering::Relaxed);
        let lost = events.len() - delivered;
        if lost > 0 {
            self.aborted.add_events(lost as u64);
            tracing::error!(
                target: "events",
                lifespan = format_args!("{:016x}", self.id),
                count = lost,
                among = events.len(),
                first = events.first().map(AnyEvent::name),
                "events were not delivered: the lifespan, or its runtime, ended before",
            );
        }
        // Last, so that whoever counts what waits, and then what has been settled, misses nothing.
        self.release_many(events.len());
    }

    /// Takes back what `reserve` counted for events that their scope forgets.
    pub(crate) fn forget(&self, events: &[AnyEvent]) {
        self.release_many(events.len());
    }

    /// Takes back what `reserve` counted for an event that was refused after all.
    pub(crate) fn release(&self) {
        self.release_many(1);
    }

    /// Tells of an event that was refused; `cause` is what its chain goes on from.
    pub(crate) fn refused(&self, error: &DispatchError, cause: Option<&Cause>) {
        self.seam.refused(error, cause);
        Meters::refused(error);
    }

    /// Counts and logs a failure.
    pub(crate) fn note(&self, failure: &Failure) {
        self.counters.failed.fetch_add(1, Ordering::Relaxed);
        self.seam.failed(failure);
        Meters::failed(failure);
        if let FailureCause::Aborted = failure.cause() {
            self.aborted.add_run(failure);
        }
        let place = failure.place();
        tracing::error!(
            target: "events",
            event = failure.event().map(AnyEvent::name),
            id = failure.event().map(|event| tracing::field::display(event.id())),
            handler = failure.handler(),
            file = place.file(),
            line = place.line(),
            duration = ?failure.duration(),
            error = %failure.cause(),
            "a handler failed",
        );
    }
}
