//! The end of a lifespan.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::Instant;

use super::Lifespan;
use super::core::Stage;
use crate::context::{Ambient, InAmbient};
use crate::failure::Failure;
use crate::provider::{Ending as Ended, ProviderError};

/// How many aborted handlers the report names; the others are counted.
const NAMED_ABORTED: usize = 100;

/// How long a forced end waits for what it has aborted to be gone.
const FORCED_GRACE: Duration = Duration::from_secs(1);

/// What stands for a deadline that no clock can reach: thirty years.
const FAR_FUTURE: Duration = Duration::from_hours(24 * 365 * 30);

/// What a lifespan has done, told at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// How many events were delivered to their handlers, the failing ones included. Events that no handler waits for, because
    /// none matches or only `now` ones do, are over when `dispatch` returns, and are not counted.
    pub delivered: u64,
    /// How many times a function failed: handlers, hooks and periodic functions together.
    pub failed: u64,
    /// How many events were accepted and not delivered to the end, those that scopes still held when it came included.
    pub aborted: u64,
    /// The first hundred handlers that were at work when the lifespan was forced to end, each with its event.
    pub aborted_handlers: Vec<String>,
    /// How many scopes and tasks had still not ended when the deadline had passed. What they dispatch is refused.
    pub unfinished: usize,
    /// What could not be ended well, and why: shutdown hooks, sinks that were not closed, teardowns of lifespan providers.
    pub failed_endings: Vec<String>,
}

impl ShutdownReport {
    /// Whether everything that was accepted was delivered, every hook and teardown did its work, and every sink was closed.
    /// Failures of handlers are none of the shutdown's.
    pub fn is_clean(&self) -> bool {
        self.aborted == 0 && self.aborted_handlers.is_empty() && self.unfinished == 0 && self.failed_endings.is_empty()
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events delivered, {} failures, {} aborted", self.delivered, self.failed, self.aborted)?;
        if self.unfinished > 0 {
            write!(f, ", {} scopes or tasks not ended", self.unfinished)?;
        }
        self.aborted_handlers.iter().try_for_each(|run| write!(f, "\n  aborted: {run}"))?;
        self.failed_endings.iter().try_for_each(|ending| write!(f, "\n  {ending}"))
    }
}

/// Why a lifespan did not shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// It was asked for inside of what it waits for.
    #[error(
        "`shutdown` was called inside a scope or a handler of the lifespan, which it would wait for: call it outside, or spawn it"
    )]
    Inside,
}

/// What was cut off, for the report.
#[derive(Debug, Default)]
pub(crate) struct AbortedWork {
    events: AtomicU64,
    handlers: Mutex<Vec<String>>,
}

impl AbortedWork {
    pub(crate) fn add_events(&self, count: u64) {
        self.events.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn add_run(&self, failure: &Failure) {
        let mut handlers = self.handlers.lock().unwrap_or_else(PoisonError::into_inner);
        if handlers.len() < NAMED_ABORTED {
            let event = failure.event().map_or_else(String::new, |event| format!(" on `{}`", event.name()));
            handlers.push(format!("`{}`{event}", failure.handler()));
        }
    }
}

impl Lifespan {
    /// Ends the lifespan, in the time that its builder [allows](crate::LifespanBuilder::shutdown_deadline) for it.
    ///
    /// It takes nothing more from outside; waits for open scopes, for every handler and for what the handlers dispatch in
    /// turn; runs every `#[on(shutdown)]` hook, the last one first, even when one fails; and answers what has been done.
    /// When the deadline passes, handlers at work are aborted and named in the report, and the hooks run all the same.
    ///
    /// The end happens on the lifespan's runtime, which must be running meanwhile. It may be called many times and from many
    /// places at once: all callers wait for the same end and get the same report,
    /// and the first one's deadline counts. From the call on, [`dispatch`](crate::dispatch) from outside answers
    /// [`Closed`](crate::DispatchError::Closed), and at its end every dispatch does.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::Lifespan;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), events::Error> {
    /// let app = Lifespan::builder().start().await?;
    /// let report = app.shutdown().await?;
    /// assert!(report.is_clean());
    /// assert_eq!(report.to_string(), "0 events delivered, 0 failures, 0 aborted");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ShutdownError::Inside`] when the caller is part of what it would wait for.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the waiting; the lifespan goes on ending.
    pub async fn shutdown(&self) -> Result<ShutdownReport, ShutdownError> {
        self.shutdown_within(self.core().limits.shutdown_deadline).await
    }

    /// Ends the lifespan as [`shutdown`](Self::shutdown) does, with another deadline. Zero aborts at once.
    ///
    /// # Errors
    ///
    /// As [`shutdown`](Self::shutdown).
    ///
    /// # Cancel safety
    ///
    /// As [`shutdown`](Self::shutdown).
    pub async fn shutdown_within(&self, deadline: Duration) -> Result<ShutdownReport, ShutdownError> {
        if Ambient::current().is_some_and(|ambient| ambient.lifespan().is(self)) {
            return Err(ShutdownError::Inside);
        }
        self.begin_end(deadline);
        Ok(self.core().ended.wait().await.clone())
    }

    /// Ends the lifespan without waiting: handlers at work are aborted. A shutdown that is under way becomes a forced one.
    pub fn abort(&self) {
        self.core().force.force();
        self.begin_end(Duration::ZERO);
    }

    /// Ends the lifespan in a task of its own, which no caller's fate can stop; once.
    fn begin_end(&self, deadline: Duration) {
        self.core().gate.drain();
        if !self.core().ending.swap(true, Ordering::AcqRel) {
            let ending = Ending { lifespan: self.internal(), failed_endings: Vec::new() };
            self.core().runtime.spawn(ending.run(deadline));
        }
    }
}

/// The end while it goes on. Dropped on the way, with its runtime, it tells so in the report that others wait for.
struct Ending {
    lifespan: Lifespan,
    failed_endings: Vec<String>,
}

impl Ending {
    async fn run(mut self, deadline: Duration) {
        let lifespan = self.lifespan.clone();
        let core = lifespan.core();
        self.drain(after(deadline)).await;
        // Where the start has not come to the hooks, there is nothing that they could undo.
        if core.stage.has_reached(Stage::Hooks) {
            let failures = lifespan.run_shutdown_hooks().await;
            self.failed_endings = failures.iter().map(Failure::to_string).collect();
        }
        // What the hooks have dispatched, and whoever comes in between two looks at the gate.
        let end = after(deadline);
        loop {
            self.drain(end).await;
            if core.gate.close_if_empty() || core.force.is_forced() {
                break;
            }
        }
        core.gate.close();
        let end = end.max(after(FORCED_GRACE));
        self.failed_endings.extend(core.readers.end(end).await);
        self.failed_endings.extend(core.outlets.close(end).await);
        let failures = lifespan.tear_down(end).await;
        self.failed_endings.extend(failures.iter().map(ProviderError::to_string));
    }

    /// Waits for all work, up to the deadline; then aborts what can be.
    async fn drain(&self, end: Instant) {
        let core = self.lifespan.core();
        let (empty, forced) = (pin!(core.gate.empty()), pin!(core.force.wait()));
        let ended = tokio::time::timeout_at(end, select(empty, forced)).await;
        if !matches!(ended, Ok(Either::Left(_))) {
            core.force.force();
            let _ = tokio::time::timeout(FORCED_GRACE, core.gate.empty()).await;
        }
    }
}

impl Lifespan {
    /// Ends what the lifespan providers have made, the last first.
    async fn tear_down(&self, end: Instant) -> Vec<ProviderError> {
        let core = self.core();
        let ending = if core.stage.has_reached(Stage::Started) { Ended::Succeeded } else { Ended::Failed };
        InAmbient::new(Ambient::of(self.clone()), core.provided.end_until(end, ending)).await
    }
}

fn after(deadline: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(deadline).unwrap_or(now + FAR_FUTURE)
}

impl Drop for Ending {
    fn drop(&mut self) {
        let core = self.lifespan.core();
        core.gate.close();
        core.vars.close();
        let waiting = core.waiting() as u64;
        let handlers = core.aborted.handlers.lock().unwrap_or_else(PoisonError::into_inner);
        let report = ShutdownReport {
            delivered: core.counters.delivered(),
            failed: core.counters.failed.load(Ordering::Relaxed),
            aborted: core.aborted.events.load(Ordering::Relaxed) + waiting,
            aborted_handlers: handlers.clone(),
            unfinished: core.gate.left(),
            failed_endings: std::mem::take(&mut self.failed_endings),
        };
        let _ = core.ended.set(report);
    }
}
