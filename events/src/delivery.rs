//! Runs the handlers of events that have been accepted.

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{self, Poll};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::any::{AnyEvent, Subject};
use crate::context::{Ambient, Context, InAmbient};
use crate::error::BoxError;
use crate::failure::{Failure, FailureCause, panic_text};
use crate::handler::{Call, HandlerDecl, Outcome, Running, SyncCall};
use crate::lifespan::{Lifespan, Work};
use crate::metadata::Cause;
use crate::route::Route;

/// What became of an event that was [delivered](crate::deliver).
#[derive(Clone, Debug, Default)]
#[must_use = "failures are told here"]
pub struct Delivery {
    handlers: usize,
    failures: Vec<Failure>,
}

impl Delivery {
    /// How many handlers ran, those that failed included.
    pub fn handlers(&self) -> usize {
        self.handlers
    }

    /// What went wrong, one entry for each handler that failed.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// Whether every handler did its work.
    pub fn is_ok(&self) -> bool {
        self.failures.is_empty()
    }

    pub(crate) fn of_successes(handlers: usize) -> Self {
        Self { handlers, failures: Vec::new() }
    }

    pub(crate) fn count(&mut self, event: &AnyEvent, lifespan: &Lifespan, ended: Ended) {
        self.handlers += 1;
        if let Some(cause) = ended.failed {
            let failure = Failure::new(event, ended.handler, cause, ended.duration);
            lifespan.core().report(&failure);
            self.failures.push(failure);
        }
    }

    pub(crate) fn join(mut self, other: Self) -> Self {
        self.handlers += other.handlers;
        self.failures.extend(other.failures);
        self
    }
}

/// How one handler ended.
#[derive(Debug)]
pub(crate) struct Ended {
    handler: &'static HandlerDecl,
    failed: Option<FailureCause>,
    duration: Duration,
}

impl Ended {
    fn new(handler: &'static HandlerDecl, begun: Instant, result: Result<(), FailureCause>) -> Self {
        Self { handler, failed: result.err(), duration: begun.elapsed() }
    }

    /// Calls a synchronous handler in place.
    pub(crate) fn of_call(handler: &'static HandlerDecl, call: SyncCall, context: Context<'_>) -> Self {
        let begun = Instant::now();
        Self::new(handler, begun, isolated(|| call(context)))
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }
}

/// Events that were accepted together and are delivered by one task. Dropping it before the end is never silent.
pub(crate) struct Batch {
    lifespan: Lifespan,
    events: Vec<AnyEvent>,
    /// How many of the first events have been delivered.
    delivered: usize,
    _work: Work,
}

impl Batch {
    /// Takes events that are counted as pending already.
    pub(crate) fn new(work: Work, events: Vec<AnyEvent>) -> Self {
        Self { lifespan: work.lifespan().clone(), events, delivered: 0, _work: work }
    }

    /// Delivers the events: they start in order and overlap where they wait.
    pub(crate) async fn deliver(mut self) -> Delivery {
        let delivery = deliver_all(&self.lifespan, &self.events).await;
        self.delivered = self.events.len();
        delivery
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.lifespan.core().settle(self.events.len(), &self.events[self.delivered..]);
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("events", &self.events).finish_non_exhaustive()
    }
}

async fn deliver_all(lifespan: &Lifespan, events: &[AnyEvent]) -> Delivery {
    let mut total = Delivery::default();
    let mut waiting = FuturesUnordered::new();
    for event in events {
        // Handlers that never wait must not keep the thread from other tasks.
        tokio::task::consume_budget().await;
        let Some(run) = EventRun::new(lifespan, event) else { continue };
        let mut run = InAmbient::new(run.ambient(), run);
        match poll_fn(|cx| Poll::Ready(Pin::new(&mut run).poll(cx))).await {
            Poll::Ready(delivery) => total = total.join(delivery),
            Poll::Pending => waiting.push(run),
        }
    }
    while let Some(delivery) = waiting.next().await {
        total = total.join(delivery);
    }
    total
}

/// One event on its way through the stages of its route.
struct EventRun<'a> {
    lifespan: &'a Lifespan,
    event: &'a AnyEvent,
    route: &'a Route,
    /// How many stages have been started.
    started: usize,
    waiting: Option<FuturesUnordered<HandlerRun<'a>>>,
    delivery: Delivery,
}

impl<'a> EventRun<'a> {
    fn new(lifespan: &'a Lifespan, event: &'a AnyEvent) -> Option<Self> {
        let route = match event.subject() {
            Subject::Declared { decl, variant } => lifespan.core().routes.declared(decl, *variant)?,
            Subject::Unknown { route, .. } => route,
        };
        Some(Self { lifespan, event, route, started: 0, waiting: None, delivery: Delivery::default() })
    }

    fn ambient(&self) -> Ambient {
        Ambient { cause: Some(Cause::from(self.event.meta())), ..Ambient::of(self.lifespan.clone()) }
    }

    /// Calls every handler of a stage, polls each once, and keeps those that wait.
    fn start(&mut self, stage: &[&'static HandlerDecl], cx: &mut task::Context<'_>) {
        for handler in stage {
            match begin(handler, Context::of_event(self.lifespan, self.event)) {
                Begun::Ended(ended) => self.delivery.count(self.event, self.lifespan, ended),
                Begun::Running(mut run) => match Pin::new(&mut run).poll(cx) {
                    Poll::Ready(ended) => self.delivery.count(self.event, self.lifespan, ended),
                    Poll::Pending => self.waiting.get_or_insert_default().push(run),
                },
            }
        }
    }

    /// Polls the handlers that wait; ready when none is left.
    fn poll_waiting(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        let Some(waiting) = &mut self.waiting else { return Poll::Ready(()) };
        while let Poll::Ready(next) = waiting.poll_next_unpin(cx) {
            match next {
                Some(ended) => self.delivery.count(self.event, self.lifespan, ended),
                None => return Poll::Ready(()),
            }
        }
        Poll::Pending
    }
}

impl Future for EventRun<'_> {
    type Output = Delivery;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Delivery> {
        loop {
            task::ready!(self.poll_waiting(cx));
            let route = self.route;
            let Some(stage) = route.stages.get(self.started) else {
                return Poll::Ready(std::mem::take(&mut self.delivery));
            };
            self.started += 1;
            self.start(stage, cx);
        }
    }
}

/// An asynchronous call that has begun.
struct HandlerRun<'a> {
    handler: &'static HandlerDecl,
    begun: Instant,
    running: Running<'a>,
}

impl Future for HandlerRun<'_> {
    type Output = Ended;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Ended> {
        let result = task::ready!(isolated_poll(&mut self.running, cx));
        Poll::Ready(Ended::new(self.handler, self.begun, result))
    }
}

fn isolated_poll(running: &mut Running<'_>, cx: &mut task::Context<'_>) -> Poll<Result<(), FailureCause>> {
    match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(outcome)) => Poll::Ready(outcome.map_err(cause_of)),
        Err(panic) => Poll::Ready(Err(FailureCause::Panic(panic_text(&*panic)))),
    }
}

/// Calls a synchronous handler; its panic is a result like any other.
fn isolated(call: impl FnOnce() -> Outcome) -> Result<(), FailureCause> {
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
struct Interrupted(FailureCause);

enum Begun<'a> {
    Ended(Ended),
    Running(HandlerRun<'a>),
}

fn begin<'a>(handler: &'static HandlerDecl, context: Context<'a>) -> Begun<'a> {
    let begun = Instant::now();
    let running = match handler.call {
        Call::Sync(call) | Call::Now(call) => return Begun::Ended(Ended::of_call(handler, call, context)),
        Call::Blocking(call) => blocking(call, context),
        Call::Async(call) => call(context),
    };
    let running = match handler.timeout {
        Some(limit) => limited(limit, running),
        None => running,
    };
    Begun::Running(HandlerRun { handler, begun, running })
}

fn limited(limit: Duration, running: Running<'_>) -> Running<'_> {
    Box::pin(async move {
        match tokio::time::timeout(limit, running).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Interrupted(FailureCause::Timeout(limit)).into()),
        }
    })
}

/// Runs a call on the blocking pool of the lifespan's runtime, surrounded as the delivery is.
fn blocking(call: SyncCall, context: Context<'_>) -> Running<'_> {
    let lifespan = context.lifespan.clone();
    let event = context.event.cloned();
    let ambient = Ambient::current();
    let task = context.lifespan.core().runtime.spawn_blocking(move || {
        let _entered = ambient.map(Ambient::enter);
        let Some(event) = &event else { return Ok(()) };
        isolated(|| call(Context::of_event(&lifespan, event)))
    });
    Box::pin(async move {
        match task.await {
            Ok(outcome) => outcome.map_err(|cause| Interrupted(cause).into()),
            Err(error) => Err(Box::from(error)),
        }
    })
}

/// A delivery that goes on when the future that waits for it is dropped: the lifespan takes it over.
pub(crate) struct Handover {
    lifespan: Lifespan,
    delivery: Option<Pin<Box<dyn Future<Output = Delivery> + Send>>>,
}

impl Handover {
    pub(crate) fn new(batch: Batch) -> Self {
        let lifespan = batch.lifespan.clone();
        let delivery: Pin<Box<dyn Future<Output = Delivery> + Send>> = if lifespan.core().is_here() {
            Box::pin(batch.deliver())
        } else {
            let task = lifespan.core().runtime.spawn(batch.deliver());
            Box::pin(async move { task.await.unwrap_or_default() })
        };
        Self { lifespan, delivery: Some(delivery) }
    }
}

impl Future for Handover {
    type Output = Delivery;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Delivery> {
        let Some(delivery) = &mut self.delivery else { return Poll::Ready(Delivery::default()) };
        let delivered = task::ready!(delivery.as_mut().poll(cx));
        self.delivery = None;
        Poll::Ready(delivered)
    }
}

impl Drop for Handover {
    fn drop(&mut self) {
        if let Some(delivery) = self.delivery.take() {
            self.lifespan.core().runtime.spawn(delivery);
        }
    }
}

/// Delivers what nobody waits for, in a task of its own.
pub(crate) fn schedule(batch: Batch) {
    let runtime = batch.lifespan.core().runtime.clone();
    runtime.spawn(batch.deliver());
}
