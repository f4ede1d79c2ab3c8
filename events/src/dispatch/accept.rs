//! How an event is accepted: checked, shown to the `now` handlers, and queued.

use std::sync::Arc;
use std::time::SystemTime;

use super::DispatchError;
use crate::any::{AnyEvent, Form, Payload, Subject};
use crate::call::Ended;
use crate::context::{About, Ambient, Context};
use crate::delivery::{Bundle, Delivery, Events, schedule};
use crate::envelope::Beside;
use crate::metadata::{Cause, Meta};
use crate::registry::Named;
use crate::route::Route;
use crate::telemetry::{Trace, spans};
use crate::values::Values;

/// How deep `now` handlers may dispatch to `now` handlers: each level stands on the caller's stack.
const MAX_NESTED: u32 = 64;

pub(super) fn closed(subject: &Subject) -> DispatchError {
    DispatchError::Closed { event: subject.name().into() }
}

/// Checks a payload by its own rules.
pub(super) fn check_rules(Named { decl, variant }: Named, payload: &dyn Payload) -> Result<(), DispatchError> {
    let Some(validate) = decl.validate.filter(|_| !payload.is_unchecked()) else { return Ok(()) };
    validate(payload.peek()).map_err(|errors| DispatchError::Invalid { event: decl.names[variant].into(), errors })
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

impl Ambient {
    /// Accepts an event into the open scope, or into the lifespan where there is none.
    pub(super) fn dispatch(&self, subject: Subject, payload: &mut dyn Payload) -> Result<(), DispatchError> {
        if let Some(scope) = self.scope.as_ref().filter(|scope| scope.is_open()) {
            // A scope may outlive the lifespan's deadline: what it takes then, nobody would deliver.
            if self.lifespan.core().gate.is_closed() {
                return Err(closed(&subject));
            }
            let Some(event) = self.accept(subject, payload)?.event else { return Ok(()) };
            return match scope.push(event) {
                Ok(()) => Ok(()),
                Err(event) => self.outlive(event),
            };
        }
        let work = self.lifespan.begin(true).ok_or_else(|| closed(&subject))?;
        if let Some(event) = self.accept(subject, payload)?.event {
            schedule(Bundle::new(work, Events::One(event)));
        }
        Ok(())
    }

    pub(super) fn refused(&self, error: &DispatchError) {
        self.lifespan.core().refused(error, self.cause.as_ref());
    }

    /// Delivers an event whose scope has ended while it was accepted.
    fn outlive(&self, event: AnyEvent) -> Result<(), DispatchError> {
        match self.lifespan.begin(true) {
            Some(work) => {
                schedule(Bundle::new(work, Events::One(event)));
                Ok(())
            }
            None => {
                self.lifespan.core().release();
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
        self.accept_checked(subject, payload, brought)
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
        let accepted = self.accept_checked(subject, payload, brought);
        seen.ended(accepted.as_ref().err().map_or(spans::OK, DispatchError::kind));
        accepted
    }

    #[inline]
    fn accept_checked(
        &self,
        subject: Subject,
        payload: &mut dyn Payload,
        brought: Option<Brought<'_>>,
    ) -> Result<Accepted, DispatchError> {
        let core = self.lifespan.core();
        let is_prepared = brought.as_ref().is_some_and(|brought| brought.is_prepared);
        let known_route;
        let route: &Route = match &subject {
            &Subject::Declared { decl, variant } => {
                let not_linked = || DispatchError::NotLinked { event: subject.name().into() };
                let route = core.routes.declared(decl, variant).ok_or_else(not_linked)?;
                if !is_prepared {
                    check_rules(Named { decl, variant }, payload)?;
                }
                route
            }
            Subject::Unknown { route, .. } => {
                known_route = Arc::clone(route);
                &known_route
            }
        };
        if self.lifespan.is_dispatch_disabled() {
            return Ok(Accepted::default());
        }
        let (meta, values) = match brought {
            None => (self.meta(&subject)?, self.scope.as_ref().map_or(Values::None, Values::Scope)),
            Some(brought) => (self.meta_of(&subject, brought.beside)?, brought.values),
        };
        if spans::are_seen() {
            spans::dispatched(&meta.id);
        }
        // A record keeps every event, also for handlers that a test calls itself.
        let is_kept = core.seam.is_on();
        if route.ends_now() && !is_kept && (route.now.is_empty() || route.payload_alone) {
            core.meters.dispatched(&subject);
            return Ok(Accepted { now: self.run_in_place(route, subject, meta, payload, values), event: None });
        }
        let Some(event) = payload.store(Form { subject, meta, shared: route.shared || is_kept }) else {
            return Ok(Accepted::default());
        };
        if !route.ends_now() && !is_prepared && !core.reserve() {
            return Err(DispatchError::Full { event, limit: core.limits.max_pending });
        }
        Ok(self.take(route, event, values))
    }

    /// Runs the `now` handlers of an event, and answers it where others wait for it: room is reserved for it.
    fn take(&self, route: &Route, event: AnyEvent, values: Values<'_>) -> Accepted {
        let core = self.lifespan.core();
        core.seam.dispatched(&event);
        core.meters.dispatched(event.subject());
        let now = self.run_now(route, &event, values);
        core.seam.ran(&event, now.handlers());
        if route.ends_now() {
            core.seam.delivered(&event);
        }
        Accepted { now, event: (!route.ends_now()).then_some(event) }
    }

    /// What has travelled with an event from elsewhere.
    fn meta_of(&self, subject: &Subject, beside: &mut Beside) -> Result<Meta, DispatchError> {
        self.check_hops(subject, beside)?;
        Ok(beside.take_meta(|| self.lifespan.core().next_id()))
    }

    pub(super) fn check_hops(&self, subject: &Subject, beside: &Beside) -> Result<(), DispatchError> {
        let (hops, limit) = (beside.hops, self.lifespan.core().limits.max_hops);
        if hops > limit {
            return Err(DispatchError::TooDeep { event: subject.name().into(), hops, limit });
        }
        Ok(())
    }

    /// What travels with the next event: its identity, and its place in the chain.
    fn meta(&self, subject: &Subject) -> Result<Meta, DispatchError> {
        let core = self.lifespan.core();
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
            time: SystemTime::now(),
            correlation: self.cause.as_ref().map(|cause| cause.correlation.clone()),
            causation: self.cause.as_ref().map(|cause| cause.id.clone()),
            hops,
            partition_key: None,
            trace: Trace::current(),
        })
    }

    fn inside_now(&self, meta: &Meta) -> Self {
        Self { cause: Some(Cause::from(meta)), nested: self.nested + 1, ..self.clone() }
    }

    /// Runs `now` handlers that are content with the payload, which stays where it is: nothing is allocated.
    fn run_in_place(
        &self,
        route: &Route,
        subject: Subject,
        meta: Meta,
        payload: &mut dyn Payload,
        values: Values<'_>,
    ) -> Delivery {
        if route.now.is_empty() {
            return Delivery::default();
        }
        let entered = self.inside_now(&meta).enter();
        let context = Context::new(&self.lifespan, About::Payload(payload.peek())).with_values(values);
        let failed: Vec<_> = route.now.iter().map(|now| now.run(context)).filter(Ended::has_failed).collect();
        drop(entered);
        let mut delivery = Delivery::of_successes(route.now.len() - failed.len());
        if !failed.is_empty()
            && let Some(event) = payload.store(Form { subject, meta, shared: false })
        {
            for ended in failed {
                delivery.count(&event, &self.lifespan, ended);
            }
        }
        delivery
    }

    fn run_now(&self, route: &Route, event: &AnyEvent, values: Values<'_>) -> Delivery {
        let mut delivery = Delivery::default();
        if route.now.is_empty() {
            return delivery;
        }
        let _entered = self.inside_now(event.meta()).enter();
        let context = Context::new(&self.lifespan, About::Event(event)).with_values(values);
        for now in &route.now {
            delivery.count(event, &self.lifespan, now.run(context));
        }
        delivery
    }
}
