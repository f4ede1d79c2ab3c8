//! The moments of a lifespan: startup, shutdown, failure.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Lifespan, Work};
use crate::call;
use crate::context::{About, Ambient, Context, InAmbient};
use crate::extract::{Accepts, Moment};
use crate::failure::{Failure, FailureCause};
use crate::handler::{Handler, HandlerDecl};
use crate::metadata::Cause;

/// How long a shutdown hook may take that says nothing about it.
const SHUTDOWN_HOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// How much longer the shutdown waits for what tears down after a hook.
const TEARDOWN_GRACE: Duration = Duration::from_secs(1);

/// A failure on its way to the hooks. It counts as an event that waits, so that failures cannot pile up without bound.
struct Telling {
    work: Work,
}

impl Telling {
    fn begin(lifespan: &Lifespan) -> Option<Self> {
        let work = lifespan.begin(true)?;
        if !lifespan.core().reserve() {
            return None;
        }
        lifespan.core().failures_to_tell.fetch_add(1, Ordering::Relaxed);
        Some(Self { work })
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        let core = self.work.lifespan().core();
        core.failures_to_tell.fetch_sub(1, Ordering::Relaxed);
        core.release();
    }
}

impl Lifespan {
    /// Tells of a failure wherever somebody may look for it: the counters, the log, the failure hooks.
    pub(crate) fn report(&self, failure: &Failure) {
        if let FailureCause::InBatch(_) = failure.cause() {
            return;
        }
        self.core().note(failure);
        if self.core().hooks.failure.is_empty() {
            return;
        }
        let Some(telling) = Telling::begin(self) else {
            return tracing::error!(
                target: "events",
                handler = failure.handler(),
                "failure hooks were not told of a failure: the lifespan is full, or has ended",
            );
        };
        let failure = failure.clone();
        self.core().runtime.spawn(async move {
            let lifespan = telling.work.lifespan();
            let cause = failure.event().map(|event| Cause::from(event.meta()));
            let ambient = Ambient { cause, ..Ambient::of(lifespan.clone()) };
            for hook in &lifespan.core().hooks.failure {
                let about = About::Failure(&failure);
                // A failing failure hook goes no further than the log, or it would call itself.
                if let Some(failure) = lifespan.run_hook(hook, about, ambient.clone()).await {
                    lifespan.core().note(&failure);
                }
            }
        });
    }

    /// Calls one hook, and answers how it failed.
    pub(super) async fn run_hook(
        &self,
        hook: &'static HandlerDecl,
        about: About<'_>,
        ambient: Ambient,
    ) -> Option<Failure> {
        let handler = Handler::Declared(hook);
        let context = Context::new(self, about);
        let ended = InAmbient::new(ambient, call::run_within(limit(hook), &handler, context)).await;
        let event = context.event();
        Failure::of(event, ended)
    }

    /// Runs every shutdown hook, the last one first, even where one fails.
    pub(super) async fn run_shutdown_hooks(&self) -> Vec<Failure> {
        let mut failures = Vec::new();
        for hook in self.core().hooks.shutdown.iter().rev() {
            let run = self.run_hook(hook, About::Nothing, Ambient::of(self.clone()));
            let limit = shutdown_limit(hook);
            let failure = match tokio::time::timeout(limit.saturating_add(TEARDOWN_GRACE), run).await {
                Ok(failure) => failure,
                Err(_) => Some(Failure::of_interruption(hook.site, FailureCause::Timeout(limit), limit)),
            };
            if let Some(failure) = failure {
                self.report(&failure);
                failures.push(failure);
            }
        }
        failures
    }
}

/// How long a hook may take.
fn limit(hook: &HandlerDecl) -> Option<Duration> {
    match hook.accepts {
        Accepts::Moment(Moment::Shutdown) => Some(shutdown_limit(hook)),
        _ => hook.timeout,
    }
}

fn shutdown_limit(hook: &HandlerDecl) -> Duration {
    hook.timeout.unwrap_or(SHUTDOWN_HOOK_TIMEOUT)
}
