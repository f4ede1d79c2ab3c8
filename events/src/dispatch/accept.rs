//! How an event is accepted: checked, shown to the `now` handlers, and queued.

use std::iter;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::DispatchError;
use crate::any::{AnyEvent, Form, Payload, Subject};
use crate::call::Ended;
use crate::context::{About, Ambient, Context, Lent};
use crate::delivery::{Bundle, Delivery, schedule};
use crate::envelope::Beside;
use crate::lifespan::Core;
use crate::metadata::{Cause, Meta};
use crate::route::Route;
use crate::scope::Events;
use crate::telemetry::{Seen, Stopwatch, Trace, spans};
use crate::values::Values;

/// How deep `now` handlers may dispatch to `now` handlers: each level stands on the caller's stack.
const MAX_NESTED: u32 = 64;

/// The time of an event that nobody sees: the clock is asked when somebody does.
const NEVER: SystemTime = SystemTime::UNIX_EPOCH;

pub(super) fn closed(subject: &Subject) -> DispatchError {
    DispatchError::Closed { event: subject.name().into() }
}

/// Checks a payload by its own rules.
#[inline]
pub(super) fn check_rules(subject: &Subject, payload: &dyn Payload) -> Result<(), DispatchError> {
    let &Subject::Declared { decl, .. } = subject else { return Ok(()) };
    let Some(validate) = decl.validate.filter(|_| !payload.is_unchecked()) else { return Ok(()) };
    validate(payload.peek()).map_err(|errors| DispatchError::Invalid { event: subject.name().into(), errors })
}

/// What an event from elsewhere has brought along.
pub(super) struct Brought<'a> {
    pub(super) beside: &'a mut Beside,
    pub(super) values: Values<'a>,
    /// Whether its rules have been checked, and room for it is reserved.
    pub(super) is_prepared: bool,
}

/// An event that passed every check.
#[derive(Debug, Default)]
pub(crate) struct Accepted {
    /// What the `now` handlers did.
    pub(crate) now: Delivery,
    /// The event, counted as pending, where other handlers wait for it.
    pub(crate) event: Option<AnyEvent>,
}

impl Core {
    /// The route of an event; `kept` keeps one that goes along with its event, which is about to be moved.
    #[inline]
    fn route_of<'a>(&'a self, subject: &Subject, kept: &'a mut Option<Arc<Route>>) -> Result<&'a Route, DispatchError> {
        match subject {
            Subject::Declared { decl, variant } => {
                let not_linked = || DispatchError::NotLinked { event: subject.name().into() };
                self.routes.declared(decl, *variant).ok_or_else(not_linked)
            }
            Subject::Unknown { route, .. } => Ok(kept.insert(Arc::clone(route))),
        }
    }

    /// What has travelled with an event from elsewhere.
    #[inline]
    fn meta_of(&self, subject: &Subject, beside: &mut Beside) -> Result<Meta, DispatchError> {
        self.check_hops(subject, beside)?;
        Ok(beside.take_meta(|| self.next_id()))
    }

    #[inline]
    pub(super) fn check_hops(&self, subject: &Subject, beside: &Beside) -> Result<(), DispatchError> {
        let (hops, limit) = (beside.hops, self.limits.max_hops);
        if hops > limit {
            return Err(DispatchError::TooDeep { event: subject.name().into(), hops, limit });
        }
        Ok(())
    }
}

impl Ambient {
    /// Accepts an event into the open scope, or into the lifespan where there is none.
    pub(super) fn dispatch(&self, subject: Subject, payload: &mut dyn Payload) -> Result<(), DispatchError> {
        if let Some(scope) = self.scope().filter(|scope| scope.is_open()) {
            // A scope may outlive the lifespan's deadline: what it takes then, nobody would deliver.
            if self.lifespan().core().gate.is_closed() {
                return Err(closed(&subject));
            }
            let Some(event) = self.accept_from(subject, payload, None)?.event else { return Ok(()) };
            return match scope.push(event) {
                Ok(()) => Ok(()),
                Err(event) => self.outlive(event),
            };
        }
        let work = self.lifespan().begin(true).ok_or_else(|| closed(&subject))?;
        if let Some(event) = self.accept_from(subject, payload, None)?.event {
            schedule(Bundle::new(work, Events::One(event)));
        }
        Ok(())
    }

    pub(super) fn refused(&self, error: &DispatchError) {
        self.lifespan().core().refused(error, self.cause.as_ref());
    }

    /// Delivers an event whose scope has ended while it was accepted.
    fn outlive(&self, event: AnyEvent) -> Result<(), DispatchError> {
        match self.lifespan().begin(true) {
            Some(work) => {
                schedule(Bundle::new(work, Events::One(event)));
                Ok(())
            }
            None => {
                self.lifespan().core().release();
                Err(closed(event.subject()))
            }
        }
    }

    /// Checks an event and runs its `now` handlers.
    pub(super) fn accept(&self, subject: Subject, payload: &mut dyn Payload) -> Result<Accepted, DispatchError> {
        self.accept_from(subject, payload, None)
    }

    /// Checks an event and runs its `now` handlers. One from elsewhere has brought its identity along.
    pub(super) fn accept_from(
        &self,
        subject: Subject,
        payload: &mut dyn Payload,
        brought: Option<Brought<'_>>,
    ) -> Result<Accepted, DispatchError> {
        if spans::are_seen() {
            return self.accept_in_span(subject, payload, brought);
        }
        self.accept_checked(subject, payload, brought, None)
    }

    #[cold]
    fn accept_in_span(
        &self,
        subject: Subject,
        payload: &mut dyn Payload,
        brought: Option<Brought<'_>>,
    ) -> Result<Accepted, DispatchError> {
        let seen = spans::dispatch(subject.name());
        // What came by a source is linked where its message is processed.
        if let Some(brought) = brought.as_ref().filter(|brought| brought.is_prepared) {
            seen.sent_in(&brought.beside.trace);
        }
        let _entered = seen.enter();
        let accepted = self.accept_checked(subject, payload, brought, Some(&seen));
        seen.ended(accepted.as_ref().err().map_or(spans::OK, DispatchError::kind));
        accepted
    }

    #[inline]
    fn accept_checked(
        &self,
        subject: Subject,
        payload: &mut dyn Payload,
        brought: Option<Brought<'_>>,
        seen: Option<&Seen>,
    ) -> Result<Accepted, DispatchError> {
        let core = self.lifespan().core();
        let is_prepared = brought.as_ref().is_some_and(|brought| brought.is_prepared);
        let mut kept = None;
        let route = core.route_of(&subject, &mut kept)?;
        if !is_prepared {
            check_rules(&subject, payload)?;
        }
        if core.switch.is_off() {
            return Ok(Accepted::default());
        }
        // A record keeps every event, also for handlers that a test calls itself.
        let in_place = route.ends_in_place() && !core.seam.is_on();
        let (meta, values) = match brought {
            None => (self.meta(&subject, !in_place)?, self.scope().map_or(Values::None, Values::Scope)),
            Some(brought) => (core.meta_of(&subject, brought.beside)?, brought.values),
        };
        if let Some(seen) = seen {
            seen.is_about(&meta.id);
        }
        if in_place {
            core.meters.dispatched(&subject);
            return Ok(Accepted { now: self.run_in_place(route, subject, meta, payload, values), event: None });
        }
        let shared = route.shared || core.seam.is_on();
        let Some(event) = payload.store(Form { subject, meta, shared }) else { return Ok(Accepted::default()) };
        if !route.ends_now() && !is_prepared && !core.reserve() {
            return Err(DispatchError::Full { event, limit: core.limits.max_pending });
        }
        Ok(self.take(core, route, event, values))
    }

    /// Runs the `now` handlers of an event, and answers it where others wait for it: room is reserved for it.
    #[inline]
    fn take(&self, core: &Core, route: &Route, event: AnyEvent, values: Values<'_>) -> Accepted {
        core.seam.dispatched(&event);
        core.meters.dispatched(event.subject());
        let begun = Stopwatch::start();
        let now = self.run_now(route, &event, values);
        core.seam.ran(&event, now.handlers());
        if route.ends_now() {
            core.seam.delivered(&event);
            core.meters.delivered(event.subject(), begun);
        }
        Accepted { now, event: (!route.ends_now()).then_some(event) }
    }

    /// What travels with the next event: its identity, and its place in the chain. An event that nobody will see needs no time.
    fn meta(&self, subject: &Subject, timed: bool) -> Result<Meta, DispatchError> {
        let core = self.lifespan().core();
        let hops = self.cause.as_ref().map_or(0, |cause| cause.hops.saturating_add(1));
        let too_deep = |hops, limit| DispatchError::TooDeep { event: subject.name().into(), hops, limit };
        if hops > core.limits.max_hops {
            return Err(too_deep(hops, core.limits.max_hops));
        }
        if self.nested >= MAX_NESTED {
            return Err(too_deep(hops, MAX_NESTED));
        }
        Ok(Meta {
            id: core.next_id(),
            time: if timed { SystemTime::now() } else { NEVER },
            correlation: self.cause.as_ref().map(|cause| cause.correlation.clone()),
            causation: self.cause.as_ref().map(|cause| cause.id.clone()),
            hops,
            partition_key: None,
            trace: Trace::current(),
        })
    }

    fn inside_now(&self, meta: &Meta) -> Self {
        self.with_cause(Cause::from(meta), self.nested + 1)
    }

    /// Runs `now` handlers that are content with the payload, which stays where it is: nothing is allocated.
    fn run_in_place(
        &self,
        route: &Route,
        subject: Subject,
        mut meta: Meta,
        payload: &mut dyn Payload,
        values: Values<'_>,
    ) -> Delivery {
        let (core, measured) = (self.lifespan().core(), Stopwatch::start());
        let Some((first, others)) = route.now.split_first() else {
            core.meters.delivered(&subject, measured);
            return Delivery::default();
        };
        let begun = Instant::now();
        let failed = {
            let mut inside = Some(self.inside_now(&meta));
            let _lent = Lent::new(&mut inside);
            let context = Context::new(self.lifespan(), About::Payload(payload.peek())).with_values(values);
            let runs = others.iter().map(|now| now.run(Instant::now(), context));
            let ended = iter::once(first.run(begun, context)).chain(runs);
            ended.filter(Ended::has_failed).collect::<Vec<_>>()
        };
        core.meters.delivered(&subject, measured);
        let mut delivery = Delivery::of_successes(route.now.len() - failed.len());
        if failed.is_empty() {
            return delivery;
        }
        if meta.time == NEVER {
            meta.time = SystemTime::now() - begun.elapsed();
        }
        if let Some(event) = payload.store(Form { subject, meta, shared: false }) {
            for ended in failed {
                delivery.count(&event, self.lifespan(), ended);
            }
        }
        delivery
    }

    #[inline]
    fn run_now(&self, route: &Route, event: &AnyEvent, values: Values<'_>) -> Delivery {
        let mut delivery = Delivery::default();
        if route.now.is_empty() {
            return delivery;
        }
        let mut inside = Some(self.inside_now(event.meta()));
        let _lent = Lent::new(&mut inside);
        let context = Context::new(self.lifespan(), About::Event(event)).with_values(values);
        for now in &route.now {
            delivery.count(event, self.lifespan(), now.run(Instant::now(), context));
        }
        delivery
    }
}
