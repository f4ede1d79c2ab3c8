//! Calls one function, and keeps whatever goes wrong in it from everybody else.

use std::fmt;
use std::future::{Future, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::{Duration, Instant};

use tracing::Span;

use crate::context::{Ambient, Context, Lent};
use crate::error::BoxError;
use crate::failure::{FailureCause, panic_text};
use crate::handler::{Call, Handler, Outcome, Running, SyncCall};
use crate::place::Site;
use crate::provider::with_values;
use crate::telemetry::{AtWork, run, spans};

/// How one call ended.
#[derive(Debug)]
pub(crate) struct Ended<'a> {
    pub(crate) site: &'a Site,
    pub(crate) failed: Option<FailureCause>,
    pub(crate) duration: Duration,
}

impl<'a> Ended<'a> {
    /// How long it took is told of failures alone, so that the clock is not asked where all is well.
    #[inline]
    fn new(site: &'a Site, begun: Instant, result: Result<(), FailureCause>) -> Self {
        let failed = result.err();
        let duration = if failed.is_some() { begun.elapsed() } else { Duration::ZERO };
        Self { site, failed, duration }
    }

    /// Calls a synchronous function in place.
    #[inline]
    pub(crate) fn of_call(site: &'a Site, begun: Instant, call: SyncCall, context: Context<'_>) -> Self {
        let result = {
            let _at_work = context.lifespan.core().meters.at_work(*site);
            let call = || isolated(|| call(context));
            if spans::are_seen() { run::call(*site, &context, call) } else { call() }
        };
        Self::new(site, begun, result)
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }
}

/// A call that has been made: it has ended, or it goes on.
pub(crate) enum Begun<'a> {
    Ended(Ended<'a>),
    Running(HandlerRun<'a>),
}

/// Calls a handler, without polling it.
pub(crate) fn begin<'a>(handler: &'a Handler, context: Context<'a>) -> Begun<'a> {
    begin_within(handler.timeout(), handler, context)
}

/// Calls a handler that has so much time, without polling it.
fn begin_within<'a>(limit: Option<Duration>, handler: &'a Handler, context: Context<'a>) -> Begun<'a> {
    let site = handler.site();
    match handler {
        Handler::Declared(decl) => match decl.call {
            Call::Sync(call) | Call::Now(call) => Begun::Ended(Ended::of_call(site, Instant::now(), call, context)),
            // It may be at work for longer than it is waited for.
            Call::Blocking(call) => {
                let at_work = at_work(*site, &context);
                started(site, context, None, || limited(limit, blocking(call, context, at_work)))
            }
            Call::Async(call) => running(site, context, || limited(limit, call(context))),
            Call::With { call, per_call: false, .. } => running(site, context, || limited(limit, call(context, None))),
            // The time-out is for the providers and the handler, and not for what tears down after them.
            Call::With { call, per_call: true, .. } => running(site, context, || with_values(call, context, limit)),
        },
        // What waits for its batch is not at work: the batch is, with a span of its own.
        Handler::Batched(bucket) => {
            Begun::Running(HandlerRun { site, begun: Instant::now(), _at_work: None, running: bucket.join(context) })
        }
        Handler::Closure(closure) => running(site, context, || {
            let called = catch_unwind(AssertUnwindSafe(|| (closure.call)(context)));
            called.unwrap_or_else(|panic| {
                let panicked = Interrupted(FailureCause::Panic(panic_text(&*panic)));
                Box::pin(ready(Err(panicked.into())))
            })
        }),
    }
}

fn at_work(site: Site, context: &Context<'_>) -> AtWork {
    context.lifespan.core().meters.at_work(site)
}

fn running<'a>(site: &'a Site, context: Context<'a>, call: impl FnOnce() -> Running<'a>) -> Begun<'a> {
    started(site, context, Some(at_work(*site, &context)), call)
}

fn started<'a>(
    site: &'a Site,
    context: Context<'a>,
    at_work: Option<AtWork>,
    call: impl FnOnce() -> Running<'a>,
) -> Begun<'a> {
    let begun = Instant::now();
    let running = if spans::are_seen() { run::begin(*site, &context, call) } else { call() };
    Begun::Running(HandlerRun { site, begun, _at_work: at_work, running })
}

/// Calls a handler and waits for its end.
pub(crate) async fn run<'a>(handler: &'a Handler, context: Context<'a>) -> Ended<'a> {
    run_within(handler.timeout(), handler, context).await
}

/// Calls a handler that has so much time, and waits for its end.
pub(crate) async fn run_within<'a>(limit: Option<Duration>, handler: &'a Handler, context: Context<'a>) -> Ended<'a> {
    match begin_within(limit, handler, context) {
        Begun::Ended(ended) => ended,
        Begun::Running(running) => running.await,
    }
}

/// An asynchronous call that goes on.
pub(crate) struct HandlerRun<'a> {
    site: &'a Site,
    begun: Instant,
    _at_work: Option<AtWork>,
    running: Running<'a>,
}

impl<'a> HandlerRun<'a> {
    /// The end of a call that is not waited for any longer.
    pub(crate) fn abort(self) -> Ended<'a> {
        Ended::new(self.site, self.begun, Err(FailureCause::Aborted))
    }
}

impl<'a> Future for HandlerRun<'a> {
    type Output = Ended<'a>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Ended<'a>> {
        let result = task::ready!(isolated_poll(&mut self.running, cx));
        Poll::Ready(Ended::new(self.site, self.begun, result))
    }
}

impl fmt::Debug for HandlerRun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.site, f)
    }
}

/// Polls a call; a panic and a time-out are results like any other.
#[inline]
pub(crate) fn isolated_poll(running: &mut Running<'_>, cx: &mut task::Context<'_>) -> Poll<Result<(), FailureCause>> {
    poll_caught(running.as_mut(), cx).map(|ended| ended.and_then(|outcome| outcome.map_err(cause_of)))
}

/// Polls; a panic is a result like any other.
#[inline]
fn poll_caught<F: Future + ?Sized>(
    work: Pin<&mut F>,
    cx: &mut task::Context<'_>,
) -> Poll<Result<F::Output, FailureCause>> {
    match catch_unwind(AssertUnwindSafe(|| work.poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(FailureCause::Panic(panic_text(&*panic)))),
    }
}

pin_project_lite::pin_project! {
    /// Work whose panic is a result like any other.
    #[must_use = "futures do nothing until they are polled"]
    pub(crate) struct Caught<F> {
        #[pin]
        work: F,
    }
}

/// Waits for work; a panic is a result like any other.
pub(crate) fn caught<F: Future>(work: F) -> Caught<F> {
    Caught { work }
}

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, FailureCause>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        poll_caught(self.project().work, cx)
    }
}

/// Polls once.
pub(crate) async fn polled<F: Future>(mut work: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await
}

/// Makes a synchronous call; its panic is a result like any other.
pub(crate) fn isolated(call: impl FnOnce() -> Outcome) -> Result<(), FailureCause> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(outcome) => outcome.map_err(cause_of),
        Err(panic) => Err(FailureCause::Panic(panic_text(&*panic))),
    }
}

fn cause_of(error: BoxError) -> FailureCause {
    match error.downcast::<Interrupted>() {
        Ok(interrupted) => interrupted.0,
        Err(error) => FailureCause::Error(error),
    }
}

/// A cause that travels through a handler's outcome, where there is room for errors alone.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Interrupted(pub(crate) FailureCause);

fn limited(limit: Option<Duration>, running: Running<'_>) -> Running<'_> {
    let Some(limit) = limit else { return running };
    Box::pin(async move {
        match tokio::time::timeout(limit, running).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Interrupted(FailureCause::Timeout(limit)).into()),
        }
    })
}

/// Runs a call on the blocking pool of the lifespan's runtime, surrounded as the caller is.
fn blocking(call: SyncCall, context: Context<'_>, at_work: AtWork) -> Running<'_> {
    let (lifespan, about, values) = (context.lifespan.clone(), context.about.to_owned(), context.values.to_owned());
    let (mut ambient, span) = (Ambient::current(), Span::current());
    let task = context.lifespan.core().runtime.spawn_blocking(move || {
        let _lent = Lent::new(&mut ambient);
        // It is at work until its span has ended.
        let (_at_work, span) = (at_work, span);
        let _in_span = span.enter();
        isolated(|| call(Context::new(&lifespan, about.borrow()).with_values(values.borrow())))
    });
    Box::pin(async move {
        match task.await {
            Ok(outcome) => outcome.map_err(|cause| Interrupted(cause).into()),
            Err(error) => Err(Box::from(error)),
        }
    })
}
