//! Runs of handlers in their spans, where somebody looks.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use super::spans::{self, Seen};
use crate::call::{Interrupted, isolated_poll};
use crate::context::Context;
use crate::failure::FailureCause;
use crate::handler::{Outcome, Running};
use crate::place::Site;

/// Makes a synchronous call in its span.
#[cold]
pub(crate) fn call(
    site: Site,
    context: &Context<'_>,
    call: impl FnOnce() -> Result<(), FailureCause>,
) -> Result<(), FailureCause> {
    let seen = spans::handler(site, context);
    let entered = seen.enter();
    let result = call();
    drop(entered);
    seen.called(result.as_ref().err());
    result
}

/// Makes an asynchronous call that goes on in its span.
#[cold]
pub(crate) fn begin<'a>(site: Site, context: &Context<'_>, call: impl FnOnce() -> Running<'a>) -> Running<'a> {
    let seen = spans::handler(site, context);
    if seen.span().is_none() {
        return call();
    }
    let running = {
        let _entered = seen.enter();
        call()
    };
    Box::pin(Run { seen, running: Some(running) })
}

struct Run<'a> {
    seen: Seen,
    /// Until it has ended.
    running: Option<Running<'a>>,
}

impl Future for Run<'_> {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Outcome> {
        let Self { seen, running } = &mut *self;
        let entered = seen.enter();
        let Some(call) = running else { return Poll::Pending };
        let result = task::ready!(isolated_poll(call, cx));
        *running = None;
        drop(entered);
        seen.called(result.as_ref().err());
        Poll::Ready(result.map_err(|cause| Interrupted(cause).into()))
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        if self.running.is_none() {
            return;
        }
        let entered = self.seen.enter();
        self.running = None;
        drop(entered);
        self.seen.called(Some(&FailureCause::Aborted));
    }
}
