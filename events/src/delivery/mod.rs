//! Runs the handlers of events that have been accepted.

mod crowd;
mod event_run;
mod handover;

use std::fmt;
use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::pin::Pin;
use std::slice;
use std::sync::Arc;
use std::task::{self, Poll};

use futures_util::future::join;
use tokio::task::coop::poll_proceed;
use tracing::Instrument as _;

use crate::any::{AnyEvent, Subject};
use crate::call::Ended;
use crate::failure::Failure;
use crate::lifespan::{Lifespan, Work};
use crate::route::Route;
use crate::scope::ScopeQueue;
use crate::source::Arrived;
use crate::telemetry::{Seen, spans};
use crate::values::{OwnedValues, Values};
use crowd::Crowd;
use event_run::EventRun;
pub(crate) use handover::{Handover, schedule};

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

    /// The same in a word, for spans.
    pub(crate) fn outcome(&self) -> &'static str {
        if self.is_ok() { spans::OK } else { "failed" }
    }

    pub(crate) fn of_successes(handlers: usize) -> Self {
        Self { handlers, failures: Vec::new() }
    }

    pub(crate) fn count(&mut self, event: &AnyEvent, lifespan: &Lifespan, ended: Ended) {
        self.handlers += 1;
        lifespan.core().meters.ran(&ended);
        if let Some(failure) = Failure::of(Some(event), ended) {
            lifespan.report(&failure);
            self.failures.push(failure);
        }
    }

    pub(crate) fn join(&mut self, other: Self) {
        self.handlers += other.handlers;
        if !other.failures.is_empty() {
            self.failures.extend(other.failures);
        }
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
    /// The scope's.
    seen: Seen,
}

impl Bundle {
    /// Takes events that are counted as pending already.
    pub(crate) fn new(work: Work, events: Events) -> Self {
        Self::of(work.lifespan().clone(), Some(work), events, OwnedValues::None)
    }

    #[inline]
    fn of(lifespan: Lifespan, work: Option<Work>, events: Events, values: OwnedValues) -> Self {
        Self { lifespan, _work: work, events, delivered: 0, values, nested: false, seen: Seen::default() }
    }

    /// Takes what a scope has collected, whose values go with it.
    pub(crate) fn of_scope(work: Work, events: Vec<AnyEvent>, scope: &Arc<ScopeQueue>, seen: Seen) -> Self {
        let mut bundle = Self::new(work, Events::Many(events));
        bundle.seen = seen;
        if scope.has_values() {
            bundle.values = OwnedValues::Scope(Arc::clone(scope));
        }
        bundle
    }

    /// Takes the event of a message, whose values go with it.
    pub(crate) fn of_message(lifespan: Lifespan, event: AnyEvent, arrived: Arrived) -> Self {
        Self::of(lifespan, None, Events::One(event), OwnedValues::Message(arrived))
    }

    /// Takes events that came in together, whose values go with them.
    #[cfg(feature = "http")]
    pub(crate) fn of_request(work: Work, events: Vec<AnyEvent>, values: OwnedValues) -> Self {
        let mut bundle = Self::new(work, Events::Many(events));
        bundle.values = values;
        bundle
    }

    pub(crate) fn values(&self) -> Values<'_> {
        self.values.borrow()
    }

    /// Delivers the events: they start in order and overlap where they wait.
    pub(crate) async fn deliver(&mut self) -> Delivery {
        let sends = !self.lifespan.core().outlets.is_empty();
        let (delivery, delivered) = match self.seen.span() {
            Some(span) => Box::pin(self.deliver_and_send().instrument(span.clone())).await,
            None if sends => Box::pin(self.deliver_and_send()).await,
            None => self.deliver_all().await,
        };
        self.delivered = delivered;
        delivery
    }

    /// Delivers to handlers and sinks, which do not wait for each other.
    async fn deliver_and_send(&self) -> (Delivery, usize) {
        let lifespan = &self.lifespan;
        let outlets = &lifespan.core().outlets;
        let entry = self.values().entry();
        let mut shares: Vec<Vec<&AnyEvent>> = outlets.0.iter().map(|_| Vec::new()).collect();
        for event in self.events.iter() {
            for &index in route_of(lifespan, event).iter().flat_map(|route| &route.outlets) {
                if !entry.source().is_some_and(|from| outlets.0[index].leads_back(event.name(), from)) {
                    shares[index].push(event);
                }
            }
        }
        let ((mut delivery, delivered), sent) =
            join(self.deliver_all(), outlets.send_all(shares, entry, lifespan)).await;
        delivery.failures.extend(sent.failures);
        (delivery, delivered.min(self.events.len() - sent.aborted))
    }

    /// Answers what became of the events, and how many were delivered before the lifespan was forced to end.
    async fn deliver_all(&self) -> (Delivery, usize) {
        let force = &self.lifespan.core().force;
        let mut total = Delivery::default();
        let mut left = self.events.iter();
        // On the heap, so that deliveries that never wait are small.
        let mut waiting: Option<Pin<Box<Waiting<'_, _>>>> = None;
        poll_fn(|cx| {
            if let Some(waiting) = &mut waiting {
                waiting.as_mut().begin_turn();
            }
            self.poll_begin(cx, &mut left, &mut total, &mut |run| {
                waiting.get_or_insert_with(|| Box::pin(Waiting::new(force.wait()))).as_mut().push(run);
            })
        })
        .await;
        let begun = self.events.len() - left.len();
        let Some(mut waiting) = waiting else { return (total, begun) };
        while let Some(delivery) = poll_fn(|cx| waiting.as_mut().poll_next(cx)).await {
            total.join(delivery);
        }
        let left = waiting.as_mut().take();
        let aborted = left.len();
        for run in left {
            total.join(run.abort());
        }
        (total, begun - aborted)
    }

    /// Begins the delivery of each event, and has those kept that wait.
    fn poll_begin<'a>(
        &'a self,
        cx: &mut task::Context<'_>,
        left: &mut slice::Iter<'a, AnyEvent>,
        total: &mut Delivery,
        keep: &mut impl FnMut(EventRun<'a>),
    ) -> Poll<()> {
        while let Some(event) = left.as_slice().first() {
            // Handlers that never wait must not keep the thread from other tasks.
            task::ready!(poll_proceed(cx)).made_progress();
            if self.lifespan.core().force.is_forced() {
                break;
            }
            left.next();
            let Some(route) = route_of(&self.lifespan, event) else { continue };
            let mut run = EventRun::new(self, event, route);
            match Pin::new(&mut run).poll(cx) {
                Poll::Ready(delivery) => total.join(delivery),
                Poll::Pending => keep(run),
            }
        }
        Poll::Ready(())
    }
}

pin_project_lite::pin_project! {
    /// Those that have begun and wait, and the end that does not.
    struct Waiting<'a, F> {
        runs: Crowd<EventRun<'a>>,
        // Whether all of them have been polled in this turn of the task, and will wake it.
        turn_is_over: bool,
        #[pin]
        forced: F,
    }
}

impl<'a, F: Future<Output = ()>> Waiting<'a, F> {
    fn new(forced: F) -> Self {
        Self { runs: Crowd::default(), turn_is_over: true, forced }
    }

    /// Those that are here already have not been polled in this turn.
    fn begin_turn(self: Pin<&mut Self>) {
        *self.project().turn_is_over = false;
    }

    fn push(self: Pin<&mut Self>, run: EventRun<'a>) {
        self.project().runs.push(run);
    }

    /// What the next one answers that ends; nothing when none is left, or the end is forced.
    fn poll_next(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Delivery>> {
        let this = self.project();
        if this.forced.poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        if std::mem::take(this.turn_is_over) { Poll::Pending } else { this.runs.poll_next(cx) }
    }

    /// Takes out those that have not ended.
    fn take(self: Pin<&mut Self>) -> Vec<EventRun<'a>> {
        self.project().runs.take()
    }
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
