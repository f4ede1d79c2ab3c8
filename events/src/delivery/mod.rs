//! Runs the handlers of events that have been accepted.

mod crowd;
mod event_run;
mod handover;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::slice;
use std::task::{self, Poll};
use std::time::Instant;

use futures_util::future::join;
use tokio::task::coop::poll_proceed;
use tracing::Instrument as _;

use crate::any::{AnyEvent, Subject};
use crate::call::Ended;
use crate::context::{About, Ambient, Context, Lent};
use crate::failure::Failure;
use crate::lifespan::{Core, Lifespan, Work};
use crate::metadata::Cause;
use crate::route::Route;
use crate::scope::Events;
use crate::source::Arrived;
use crate::telemetry::{Seen, Stopwatch, spans};
use crate::values::{OwnedValues, Values};
use crowd::Crowd;
use event_run::EventRun;
pub(crate) use handover::{Handover, schedule};

/// What became of an event that was [delivered](crate::deliver).
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    handlers: usize,
    #[expect(clippy::box_collection, reason = "it is made and dropped for every event, and mostly is not there")]
    failures: Option<Box<Vec<Failure>>>,
}

impl Delivery {
    /// How many handlers ran, those that failed included.
    pub fn handlers(&self) -> usize {
        self.handlers
    }

    /// What went wrong, one entry for each handler that failed.
    pub fn failures(&self) -> &[Failure] {
        self.failures.as_ref().map_or(&[], |failures| failures)
    }

    /// Whether every handler did its work.
    pub fn is_ok(&self) -> bool {
        self.failures().is_empty()
    }

    /// The same in a word, for spans.
    #[inline]
    pub(crate) fn outcome(&self) -> &'static str {
        if self.is_ok() { spans::OK } else { "failed" }
    }

    pub(crate) fn of_successes(handlers: usize) -> Self {
        Self { handlers, failures: None }
    }

    #[inline]
    pub(crate) fn count(&mut self, event: &AnyEvent, lifespan: &Lifespan, ended: Ended<'_>) {
        self.handlers += 1;
        if ended.has_failed() {
            self.fail(event, lifespan, ended);
        }
    }

    #[cold]
    fn fail(&mut self, event: &AnyEvent, lifespan: &Lifespan, ended: Ended<'_>) {
        if let Some(failure) = Failure::of(Some(event), ended) {
            lifespan.report(&failure);
            self.failures.get_or_insert_default().push(failure);
        }
    }

    #[inline]
    pub(crate) fn join(&mut self, other: Self) {
        self.handlers += other.handlers;
        if let Some(failures) = other.failures {
            self.add(failures);
        }
    }

    #[cold]
    #[expect(clippy::box_collection, reason = "it is kept so")]
    fn add(&mut self, failures: Box<Vec<Failure>>) {
        match &mut self.failures {
            Some(known) => known.extend(*failures),
            None => self.failures = Some(failures),
        }
    }
}

/// Events that were accepted together and are delivered by one task. Dropping it before the end is never silent.
pub(crate) struct Bundle {
    work: Work,
    events: Events,
    /// How many of the events, the first ones, have been delivered.
    delivered: usize,
    /// What became of those.
    delivery: Delivery,
    values: OwnedValues,
    /// Whether a handler waits for this delivery, which must not wait for that handler's place in turn.
    nested: bool,
    /// The scope's.
    seen: Seen,
}

impl Bundle {
    /// Takes events that are counted as pending already.
    pub(crate) fn new(work: Work, events: Events) -> Self {
        Self::of(work, events, OwnedValues::None, Seen::default())
    }

    #[inline]
    fn of(work: Work, events: Events, values: OwnedValues, seen: Seen) -> Self {
        Self { work, events, delivered: 0, delivery: Delivery::default(), values, nested: false, seen }
    }

    /// Takes what a scope has collected, whose values go with it.
    pub(crate) fn of_scope(work: Work, events: Events, values: OwnedValues, seen: Seen) -> Self {
        Self::of(work, events, values, seen)
    }

    /// Takes the event of a message, whose values go with it.
    pub(crate) fn of_message(lifespan: Lifespan, event: AnyEvent, arrived: Arrived) -> Self {
        Self::of(Work::uncounted(lifespan), Events::One(event), OwnedValues::Message(arrived), Seen::default())
    }

    /// Takes events that came in together, whose values go with them.
    #[cfg(feature = "http")]
    pub(crate) fn of_request(work: Work, events: Vec<AnyEvent>, values: OwnedValues) -> Self {
        Self::of(work, Events::Many(events), values, Seen::default())
    }

    pub(crate) fn lifespan(&self) -> &Lifespan {
        self.work.lifespan()
    }

    pub(crate) fn values(&self) -> Values<'_> {
        self.values.borrow()
    }

    /// Delivers the events: they start in order and overlap where they wait.
    pub(crate) async fn deliver(&mut self) -> Delivery {
        if self.begins_at_once() && poll_fn(|cx| Poll::Ready(self.deliver_at_once(cx))).await {
            return std::mem::take(&mut self.delivery);
        }
        self.deliver_rest().await
    }

    /// Delivers the events that have not been delivered at once.
    async fn deliver_rest(&mut self) -> Delivery {
        let sends = !self.lifespan().core().outlets.is_empty();
        let (delivery, delivered) = match self.seen.span() {
            Some(span) => Box::pin(self.deliver_and_send().instrument(span.clone())).await,
            None if sends => Box::pin(self.deliver_and_send()).await,
            None => self.deliver_all().await,
        };
        self.delivered += delivered;
        self.delivery.join(delivery);
        std::mem::take(&mut self.delivery)
    }

    /// Whether the first event needs no future.
    #[inline]
    fn begins_at_once(&self) -> bool {
        let route = self.events.first().and_then(|event| route_of(self.lifespan().core(), event));
        route.is_some_and(Route::is_at_once)
    }

    /// Delivers events, the first ones, whose handlers cannot wait: they need no future, and nothing is allocated for them.
    /// Answers whether all have been delivered.
    fn deliver_at_once(&mut self, cx: &mut task::Context<'_>) -> bool {
        let core = self.work.lifespan().core();
        // Whoever looks at spans, and whoever sends, has more to do.
        if !core.outlets.is_empty() || spans::are_seen() {
            return false;
        }
        let lifespan = self.work.lifespan();
        let mut surrounding = None;
        while let Some(event) = self.events.get(self.delivered) {
            let route = route_of(core, event);
            if !route.is_none_or(Route::is_at_once) || core.force.is_forced() || !may_go_on(cx) {
                return false;
            }
            if let Some(route) = route {
                let context = Context::new(lifespan, About::Event(event)).with_values(self.values.borrow());
                self.delivery.join(run_at_once(route, event, context, &mut surrounding));
            }
            self.delivered += 1;
        }
        true
    }

    /// Delivers to handlers and sinks, which do not wait for each other.
    async fn deliver_and_send(&self) -> (Delivery, usize) {
        let lifespan = self.lifespan();
        let core = lifespan.core();
        let outlets = &core.outlets;
        let entry = self.values().entry();
        let mut shares: Vec<Vec<&AnyEvent>> = outlets.0.iter().map(|_| Vec::new()).collect();
        for event in self.events.iter() {
            for &index in route_of(core, event).iter().flat_map(|route| &route.outlets) {
                if !entry.source().is_some_and(|from| outlets.0[index].leads_back(event.name(), from)) {
                    shares[index].push(event);
                }
            }
        }
        let ((mut delivery, delivered), sent) =
            join(self.deliver_all(), outlets.send_all(shares, entry, lifespan)).await;
        if !sent.failures.is_empty() {
            delivery.add(sent.failures.into());
        }
        (delivery, delivered.min(self.events.len() - sent.aborted))
    }

    /// Answers what became of the events, and how many were delivered before the lifespan was forced to end.
    async fn deliver_all(&self) -> (Delivery, usize) {
        let lifespan = self.lifespan();
        let mut total = Delivery::default();
        let mut left = self.events[self.delivered..].iter();
        // On the heap, so that deliveries that never wait are small.
        let mut waiting: Option<Pin<Box<Waiting<'_, _>>>> = None;
        poll_fn(|cx| {
            if let Some(waiting) = &mut waiting {
                waiting.as_mut().begin_turn();
            }
            self.poll_begin(lifespan, cx, &mut left, &mut total, &mut |run| {
                waiting.get_or_insert_with(|| Box::pin(Waiting::new(lifespan.core().force.wait()))).as_mut().push(run);
            })
        })
        .await;
        let begun = self.events.len() - self.delivered - left.len();
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
        lifespan: &'a Lifespan,
        cx: &mut task::Context<'_>,
        left: &mut slice::Iter<'a, AnyEvent>,
        total: &mut Delivery,
        keep: &mut impl FnMut(EventRun<'a>),
    ) -> Poll<()> {
        let mut surrounding = None;
        let core = lifespan.core();
        while let Some(event) = left.as_slice().first() {
            if !may_go_on(cx) {
                return Poll::Pending;
            }
            if core.force.is_forced() {
                break;
            }
            left.next();
            let Some(route) = route_of(core, event) else { continue };
            let mut run = EventRun::new(self, lifespan, event, route);
            match run.begin(cx, &mut surrounding) {
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

impl Drop for Bundle {
    fn drop(&mut self) {
        self.lifespan().core().settle(&self.events, self.delivered);
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle").field("events", &self.events).finish_non_exhaustive()
    }
}

/// Makes surroundings those of an event's handlers: one after another they share what does not differ.
fn surround(surrounding: &mut Option<Ambient>, lifespan: &Lifespan, event: &AnyEvent) {
    let around = || Ambient { in_handler: true, ..Ambient::of(lifespan.clone()) };
    surrounding.get_or_insert_with(around).cause = Some(Cause::from(event.meta()));
}

/// Runs the handlers of an event that cannot wait, in its surroundings.
fn run_at_once(route: &Route, event: &AnyEvent, context: Context<'_>, surrounding: &mut Option<Ambient>) -> Delivery {
    let core = context.lifespan.core();
    let (mut delivery, begun) = (Delivery::default(), Stopwatch::start());
    surround(surrounding, context.lifespan, event);
    let lent = Lent::new(surrounding);
    for handler in &route.at_once {
        delivery.count(event, context.lifespan, handler.run(Instant::now(), context));
    }
    drop(lent);
    core.seam.ran(event, delivery.handlers);
    core.seam.delivered(event);
    core.meters.delivered(event.subject(), begun);
    delivery
}

/// Whether the task may go on: handlers that never wait must not keep the thread from others.
#[inline]
fn may_go_on(cx: &mut task::Context<'_>) -> bool {
    match poll_proceed(cx) {
        Poll::Ready(proceed) => {
            proceed.made_progress();
            true
        }
        Poll::Pending => false,
    }
}

#[inline]
fn route_of<'a>(core: &'a Core, event: &'a AnyEvent) -> Option<&'a Route> {
    match event.subject() {
        Subject::Declared { decl, variant } => core.routes.declared(decl, *variant),
        Subject::Unknown { route, .. } => Some(route),
    }
}
