//! Calls functions that depend on providers.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::{Either, select};

use super::error::{ProviderError, What};
use super::provided::Provided;
use super::teardown::Ending;
use crate::call::{Ended, Interrupted, caught, isolated};
use crate::context::{Ambient, Context, InAmbient};
use crate::error::BoxError;
use crate::failure::{Failure, FailureCause};
use crate::handler::{Outcome, Running};

/// A call that asks providers first; without room for values, it can ask for those of the lifespan alone.
pub(crate) type ProvidedCall = for<'a> fn(Context<'a>, Option<&'a Provided>) -> Running<'a>;

/// Runs what has nothing to wait for.
///
/// # Errors
///
/// That of the call, and that it waits all the same.
pub fn at_once(call: impl Future<Output = Outcome>) -> Outcome {
    call.now_or_never().unwrap_or_else(|| Err("a call that cannot wait had to".into()))
}

/// Runs a call, tears down what was made for it, and answers what the call answered.
pub(crate) fn with_values(call: ProvidedCall, context: Context<'_>, limit: Option<Duration>) -> Running<'_> {
    Box::pin(async move {
        let values = Provided::default();
        let work = caught(call(context, Some(&values)));
        let answer = match limit {
            Some(limit) => tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Ok(Err(late(&values, limit)))),
            None => work.await,
        };
        let outcome = answer.unwrap_or_else(|panic| Err(Interrupted(panic).into()));
        let mut failed = Vec::new();
        values.end(Ending::of(&outcome), &mut failed).await;
        joined(outcome, failed)
    })
}

/// Runs a call whose providers have nothing to wait for. Where a teardown has, the lifespan finishes it.
///
/// # Errors
///
/// Those of the call and of its providers.
pub fn once_with(context: Context<'_>, call: ProvidedCall) -> Outcome {
    let values = Provided::default();
    let outcome = isolated(|| at_once(call(context, Some(&values)))).map_err(|cause| Interrupted(cause).into());
    let ending = Ending::of(&outcome);
    let mut end = Box::pin(async move {
        let mut failed = Vec::new();
        values.end(ending, &mut failed).await;
        failed
    });
    // The thread that dispatches need not be one of the runtime, whose clock a teardown may ask for.
    let entered = context.lifespan.core().runtime.enter();
    let ended = (&mut end).now_or_never();
    drop(entered);
    match ended {
        Some(failed) => joined(outcome, failed),
        None => {
            finish_later(context, end);
            outcome
        }
    }
}

/// Finishes what the caller cannot wait for, in a task that shutdown waits for, and that a forced end drops.
fn finish_later(context: Context<'_>, end: impl Future<Output = Vec<ProviderError>> + Send + Unpin + 'static) {
    let Some(work) = context.lifespan.begin(true) else { return };
    let (event, begun) = (context.event().cloned(), Instant::now());
    let ambient = Ambient::current().unwrap_or_else(|| Ambient::of(context.lifespan.internal()));
    let end = InAmbient::new(Ambient { nested: 0, ..ambient.outside_handler() }, end);
    context.lifespan.core().runtime.spawn(async move {
        let lifespan = work.lifespan();
        let Either::Left((failed, _)) = select(pin!(end), pin!(lifespan.core().force.wait())).await else { return };
        for error in failed {
            // The handler has ended, and has been told of: the function that fails here is the provider.
            let (site, duration) = (error.site(), begun.elapsed());
            let ended = Ended { site: &site, failed: Some(FailureCause::Error(error.into())), duration };
            if let Some(failure) = Failure::of(event.as_ref(), ended) {
                lifespan.report(&failure);
            }
        }
    });
}

/// Runs a call on a thread that may block. A forced end lets the thread go where it waits for a provider.
///
/// # Errors
///
/// Those of the call and of its providers.
pub fn block_with(context: Context<'_>, call: ProvidedCall) -> Outcome {
    let core = context.lifespan.core();
    core.runtime.block_on(async {
        match select(with_values(call, context, None), pin!(core.force.wait())).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Err(Interrupted(FailureCause::Aborted).into()),
        }
    })
}

impl Ending {
    fn of(outcome: &Outcome) -> Self {
        if outcome.is_ok() { Self::Succeeded } else { Self::Failed }
    }
}

/// A call that took too long, and the provider that it was waiting for.
fn late(values: &Provided, limit: Duration) -> BoxError {
    match values.at() {
        Some(provider) => ProviderError::new(provider, What::Making, FailureCause::Timeout(limit)).into(),
        None => Interrupted(FailureCause::Timeout(limit)).into(),
    }
}

/// The first thing that went wrong; the others are logged.
fn joined(outcome: Outcome, failed: Vec<ProviderError>) -> Outcome {
    let mut failed = failed.into_iter();
    let outcome = outcome.and_then(|()| failed.next().map_or(Ok(()), |first| Err(first.into())));
    failed.for_each(|error| error.log());
    outcome
}
