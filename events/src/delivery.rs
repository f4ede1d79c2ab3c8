//! Runs the handlers of events that have been accepted.

use std::fmt;
use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{self, Poll};

use futures_util::StreamExt as _;
use futures_util::future::join;
use futures_util::stream::FuturesUnordered;
use tokio::sync::SemaphorePermit;

use crate::any::{AnyEvent, Subject};
use crate::call::{Begun, Ended, HandlerRun, begin, polled};
use crate::context::{About, Ambient, Context, Lent};
use crate::failure::Failure;
use crate::handler::Handler;
use crate::lifespan::{Force, Lifespan, Work};
use crate::metadata::Cause;
use crate::route::Route;
use crate::scope::ScopeQueue;
use crate::values::{OwnedValues, Values};

/// What became of an event that was [delivered](crate::deliver).
#[derive(Clone, Debug, Default)]
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
        if let Some(failure) = Failure::of(Some(event), ended) {
            lifespan.report(&failure);
            self.failures.push(failure);
        }
    }

    pub(crate) fn join(&mut self, other: Self) {
        self.handlers += other.handlers;
        self.failures.extend(other.failures);
    }
}

/// Events that were accepted together and are delivered by one task. Dropping it before the end is never silent.
pub(crate) struct Bundle {
    lifespan: Lifespan,
    /// Absent where others see to it that the end of the lifespan waits.
    _work: Option<Work>,
    events: Events,
    /// How many of the events have been delivered.
    delivered: usize,
    values: OwnedValues,
    /// Whether a handler waits for this delivery, which must not wait for that handler's place in turn.
    nested: bool,
    /// Where the event came in, so that it is not sent back.
    from: Option<Arc<str>>,
}

impl Bundle {
    /// Takes events that are counted as pending already.
    pub(crate) fn new(work: Work, events: Events) -> Self {
        Self::of(work.lifespan().clone(), Some(work), events)
    }

    fn of(lifespan: Lifespan, work: Option<Work>, events: Events) -> Self {
        Self { lifespan, _work: work, events, delivered: 0, values: OwnedValues::None, nested: false, from: None }
    }

    /// Takes what a scope has collected, whose values go with it.
    pub(crate) fn of_scope(work: Work, events: Vec<AnyEvent>, scope: &Arc<ScopeQueue>) -> Self {
        let mut bundle = Self::new(work, Events::Many(events));
        if scope.has_values() {
            bundle.values = OwnedValues::Scope(Arc::clone(scope));
        }
        bundle
    }

    /// Takes the event of a message, whose values go with it.
    pub(crate) fn of_message(lifespan: Lifespan, event: AnyEvent, values: OwnedValues, from: Arc<str>) -> Self {
        let mut bundle = Self::of(lifespan, None, Events::One(event));
        (bundle.values, bundle.from) = (values, Some(from));
        bundle
    }

    pub(crate) fn values(&self) -> Values<'_> {
        self.values.borrow()
    }

    /// Delivers the events: they start in order and overlap where they wait.
    pub(crate) async fn deliver(&mut self) -> Delivery {
        let sends = !self.lifespan.core().outlets.is_empty();
        let (delivery, delivered) =
            if sends { Box::pin(self.deliver_and_send()).await } else { self.deliver_all().await };
        self.delivered = delivered;
        delivery
    }

    /// Delivers to handlers and sinks, which do not wait for each other.
    async fn deliver_and_send(&self) -> (Delivery, usize) {
        let lifespan = &self.lifespan;
        let outlets = &lifespan.core().outlets;
        let mut shares: Vec<Vec<&AnyEvent>> = outlets.0.iter().map(|_| Vec::new()).collect();
        for event in self.events.iter() {
            for &index in route_of(lifespan, event).iter().flat_map(|route| &route.outlets) {
                if self.from.is_none() || outlets.0[index].address.as_deref() != self.from.as_deref() {
                    shares[index].push(event);
                }
            }
        }
        let ((mut delivery, delivered), sent) = join(self.deliver_all(), outlets.send_all(shares, lifespan)).await;
        delivery.failures.extend(sent.failures);
        (delivery, delivered.min(self.events.len() - sent.aborted))
    }

    /// Answers what became of the events, and how many were delivered before the lifespan was forced to end.
    async fn deliver_all(&self) -> (Delivery, usize) {
        let force = &self.lifespan.core().force;
        let mut total = Delivery::default();
        let mut waiting: Option<FuturesUnordered<EventRun<'_>>> = None;
        let mut begun = 0;
        for event in self.events.iter() {
            // Handlers that never wait must not keep the thread from other tasks.
            tokio::task::consume_budget().await;
            if force.is_forced() {
                break;
            }
            begun += 1;
            let Some(mut run) = EventRun::new(self, event) else { continue };
            match polled(Pin::new(&mut run)).await {
                Poll::Ready(delivery) => total.join(delivery),
                Poll::Pending => waiting.get_or_insert_default().push(run),
            }
        }
        match waiting {
            None => (total, begun),
            // On the heap, so that deliveries that never wait are small.
            Some(waiting) => Box::pin(wait_for(waiting, force, total, begun)).await,
        }
    }
}

/// Waits for those that have begun, or for the end that does not.
async fn wait_for(
    mut waiting: FuturesUnordered<EventRun<'_>>,
    force: &Force,
    mut total: Delivery,
    begun: usize,
) -> (Delivery, usize) {
    let mut forced = pin!(force.wait());
    // Those that wait have been polled in this turn of the task, and wake it.
    let mut turn_is_over = true;
    while let Some(delivery) = poll_fn(|cx| {
        if let Poll::Ready(()) = forced.as_mut().poll(cx) {
            return Poll::Ready(None);
        }
        if std::mem::take(&mut turn_is_over) { Poll::Pending } else { waiting.poll_next_unpin(cx) }
    })
    .await
    {
        total.join(delivery);
    }
    let aborted = waiting.len();
    for run in waiting {
        total.join(run.abort());
    }
    (total, begun - aborted)
}

/// The events of a bundle. One alone is not worth an allocation.
#[derive(Debug)]
pub(crate) enum Events {
    One(AnyEvent),
    Many(Vec<AnyEvent>),
}

impl Deref for Events {
    type Target = [AnyEvent];

    fn deref(&self) -> &[AnyEvent] {
        match self {
            Self::One(event) => std::slice::from_ref(event),
            Self::Many(events) => events,
        }
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        self.lifespan.core().settle(&self.events, self.delivered);
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle").field("events", &self.events).finish_non_exhaustive()
    }
}

fn route_of<'a>(lifespan: &'a Lifespan, event: &'a AnyEvent) -> Option<&'a Route> {
    match event.subject() {
        Subject::Declared { decl, variant } => lifespan.core().routes.declared(decl, *variant),
        Subject::Unknown { route, .. } => Some(route),
    }
}

/// One event on its way through the stages of its route.
struct EventRun<'a> {
    bundle: &'a Bundle,
    event: &'a AnyEvent,
    ambient: Option<Ambient>,
    /// The stages that have not been begun, and what is left of the one that has.
    stages: &'a [Box<[Handler]>],
    stage: &'a [Handler],
    permit: Permit<'a>,
    waiting: Option<FuturesUnordered<HandlerRun<'a>>>,
    delivery: Delivery,
}

/// The place among the handlers at work that a part of a stage has, or waits for.
enum Permit<'a> {
    None,
    Waiting(Pin<Box<dyn Future<Output = Option<SemaphorePermit<'a>>> + Send + 'a>>),
    Held { _permit: Option<SemaphorePermit<'a>> },
}

impl<'a> EventRun<'a> {
    fn new(bundle: &'a Bundle, event: &'a AnyEvent) -> Option<Self> {
        let lifespan = &bundle.lifespan;
        let route = route_of(lifespan, event)?;
        let cause = Some(Cause::from(event.meta()));
        Some(Self {
            bundle,
            event,
            ambient: Some(Ambient { cause, in_handler: true, ..Ambient::of(lifespan.clone()) }),
            stages: &route.stages,
            stage: &[],
            permit: Permit::None,
            waiting: None,
            delivery: Delivery::default(),
        })
    }

    fn lifespan(&self) -> &'a Lifespan {
        &self.bundle.lifespan
    }

    fn count(&mut self, ended: Ended) {
        self.delivery.count(self.event, self.lifespan(), ended);
    }

    /// How many handlers of the stage begin together, and how many places at work they need for it.
    fn part(&self) -> (usize, u32) {
        if self.bundle.nested || !self.stage.iter().any(Handler::can_wait) {
            return (self.stage.len(), 0);
        }
        let part = self.stage.len().min(self.lifespan().core().limits.max_at_work);
        (part, u32::try_from(part).unwrap_or(u32::MAX))
    }

    /// Gets the places for the next part of the stage.
    fn poll_permit(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        if let Permit::None = self.permit {
            let at_work = &self.lifespan().core().at_work;
            self.permit = match self.part() {
                (_, 0) => Permit::Held { _permit: None },
                (_, places) => match at_work.try_acquire_many(places) {
                    Ok(permit) => Permit::Held { _permit: Some(permit) },
                    Err(_) => Permit::Waiting(Box::pin(async move { at_work.acquire_many(places).await.ok() })),
                },
            };
        }
        if let Permit::Waiting(waiting) = &mut self.permit {
            let permit = task::ready!(waiting.as_mut().poll(cx));
            self.permit = Permit::Held { _permit: permit };
        }
        Poll::Ready(())
    }

    /// Calls the handlers of the next part, polls each once, and keeps those that wait.
    fn start(&mut self, cx: &mut task::Context<'_>) {
        let (part, rest) = self.stage.split_at(self.part().0);
        self.stage = rest;
        let context = Context::new(self.lifespan(), About::Event(self.event)).with_values(self.bundle.values());
        for handler in part {
            match begin(handler, context) {
                Begun::Ended(ended) => self.count(ended),
                Begun::Running(mut run) => match Pin::new(&mut run).poll(cx) {
                    Poll::Ready(ended) => self.count(ended),
                    Poll::Pending => self.waiting.get_or_insert_default().push(run),
                },
            }
        }
    }

    /// Polls the handlers that wait; ready when none is left.
    fn poll_waiting(&mut self, cx: &mut task::Context<'_>) -> Poll<()> {
        while let Some(waiting) = &mut self.waiting {
            match task::ready!(waiting.poll_next_unpin(cx)) {
                Some(ended) => self.count(ended),
                None => break,
            }
        }
        Poll::Ready(())
    }

    fn poll_stages(&mut self, cx: &mut task::Context<'_>) -> Poll<Delivery> {
        loop {
            task::ready!(self.poll_waiting(cx));
            if let Permit::Held { .. } = self.permit {
                self.permit = Permit::None;
            }
            if self.stage.is_empty() {
                let Some((next, rest)) = self.stages.split_first() else {
                    let seam = &self.lifespan().core().seam;
                    seam.ran(self.event, self.delivery.handlers);
                    seam.delivered(self.event);
                    return Poll::Ready(std::mem::take(&mut self.delivery));
                };
                (self.stage, self.stages) = (next, rest);
            }
            task::ready!(self.poll_permit(cx));
            self.start(cx);
            if self.waiting.as_ref().is_some_and(|waiting| !waiting.is_empty()) {
                // Each has been polled once, and wakes this run; to poll them again now would take their turn from others.
                return Poll::Pending;
            }
        }
    }

    /// Ends the run where it stands: the handlers at work fail as aborted.
    fn abort(mut self) -> Delivery {
        for run in self.waiting.take().into_iter().flatten() {
            self.count(run.abort());
        }
        std::mem::take(&mut self.delivery)
    }
}

impl Future for EventRun<'_> {
    type Output = Delivery;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Delivery> {
        let mut home = self.ambient.take();
        let polled = {
            let _lent = Lent::new(&mut home);
            self.poll_stages(cx)
        };
        self.ambient = home;
        polled
    }
}

impl Drop for EventRun<'_> {
    fn drop(&mut self) {
        // What handlers leave behind is dropped where they ran, so that destructors may dispatch.
        let mut home = self.ambient.take();
        let _lent = Lent::new(&mut home);
        self.waiting = None;
    }
}

/// A delivery that goes on when the future that waits for it is dropped: the lifespan takes it over.
pub(crate) struct Handover {
    lifespan: Lifespan,
    delivery: Option<Pin<Box<dyn Future<Output = Delivery> + Send>>>,
}

impl Handover {
    pub(crate) fn new(mut bundle: Bundle) -> Self {
        let lifespan = bundle.lifespan.clone();
        bundle.nested = Ambient::current().is_some_and(|ambient| ambient.in_handler);
        let delivery: Pin<Box<dyn Future<Output = Delivery> + Send>> = if lifespan.core().is_here() {
            Box::pin(async move { bundle.deliver().await })
        } else {
            let task = lifespan.core().runtime.spawn(async move { bundle.deliver().await });
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

impl fmt::Debug for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handover").field("ended", &self.delivery.is_none()).finish_non_exhaustive()
    }
}

/// Delivers what nobody waits for, in a task of its own.
pub(crate) fn schedule(mut bundle: Bundle) {
    let runtime = bundle.lifespan.core().runtime.clone();
    runtime.spawn(async move { bundle.deliver().await });
}
