//! One call that is timed: where it is counted, and who is told.

use std::any::Any;
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread;

use tokio::time::Instant;

use super::report::{Timing, TimingOutcome};
use super::tree::Place;
use crate::context::Ambient;
use crate::failure::panic_text;

pub(super) type Callback = Box<dyn FnOnce(&Timing) + Send>;

/// Whom a lifespan tells. Kept with its state, under this type.
pub(crate) struct OnTiming(Box<dyn Fn(&Timing) + Send + Sync>);

impl OnTiming {
    pub(crate) fn new(callback: impl Fn(&Timing) + Send + Sync + 'static) -> Self {
        Self(Box::new(callback))
    }
}

/// Who is told of a root.
enum Reporter {
    Callback(Callback),
    Lifespan(Arc<OnTiming>),
    Log,
}

thread_local! {
    static CURRENT: RefCell<Option<Place>> = const { RefCell::new(None) };
}

fn swap(place: Option<Place>) -> Option<Place> {
    CURRENT.try_with(|current| current.replace(place)).ok().flatten()
}

/// The innermost timing around the caller.
pub(super) fn current() -> Option<Place> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// A call from its first poll to its end.
pub(super) struct Run {
    /// Out of the house while the work runs.
    place: Option<Place>,
    begun: Instant,
    /// Nobody is told of what is part of something larger.
    reporter: Option<Reporter>,
}

impl Run {
    /// Begins a call below `parent`, or as a root where there is none.
    pub(super) fn begin(name: Cow<'static, str>, parent: Option<Place>, callback: Option<Callback>) -> Self {
        let (place, reporter) = match parent {
            Some(parent) => (parent.child(name), None),
            None => (Place::root(name), Some(reporter(callback))),
        };
        Self { place: Some(place), begun: Instant::now(), reporter }
    }

    /// Does a part of the work, with this call as the innermost one around it.
    pub(super) fn within<T>(&mut self, work: impl FnOnce() -> T) -> thread::Result<T> {
        let _entered = Entered { outer: swap(self.place.take()), home: &mut self.place };
        catch_unwind(AssertUnwindSafe(work))
    }

    /// Ends a call by the panic that its work has ended by, which goes on.
    pub(super) fn end_in_panic(self, panic: Box<dyn Any + Send>) -> ! {
        self.end(TimingOutcome::Panicked(panic_text(&*panic)));
        resume_unwind(panic)
    }

    /// Counts the call, and reports it where it is a root.
    pub(super) fn end(self, outcome: TimingOutcome) {
        let Some(place) = self.place else { return };
        place.add(self.begun.elapsed(), outcome);
        if let Some(reporter) = self.reporter {
            let timing = place.finish();
            // The work has ended well or badly; who is told of it has no say in that.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| reporter.report(&timing))) {
                let text = panic_text(&*panic);
                tracing::error!(target: "events", timing = timing.name(), panic = text, "the report of a timing panicked");
            }
        }
    }
}

fn reporter(callback: Option<Callback>) -> Reporter {
    let of_lifespan = || Ambient::current().and_then(|ambient| ambient.lifespan().core().state::<OnTiming>());
    match callback {
        Some(callback) => Reporter::Callback(callback),
        None => of_lifespan().map_or(Reporter::Log, Reporter::Lifespan),
    }
}

impl Reporter {
    fn report(self, timing: &Timing) {
        match self {
            Self::Callback(callback) => callback(timing),
            Self::Lifespan(callback) => callback.0(timing),
            Self::Log => tracing::debug!(
                target: "events",
                timing = timing.name(),
                duration = ?timing.total(),
                outcome = %timing.outcome(),
                "timed\n{timing}",
            ),
        }
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("is_root", &self.reporter.is_some()).finish_non_exhaustive()
    }
}

/// Brings the place back home.
struct Entered<'a> {
    outer: Option<Place>,
    home: &'a mut Option<Place>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        *self.home = swap(self.outer.take());
    }
}
