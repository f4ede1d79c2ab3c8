//! Events that arrive together: all of them are accepted, or none.

use std::sync::Arc;

use super::DispatchError;
use super::accept::{Accepted, Arrived, check_rules};
use super::arrive::read;
use crate::any::{AnyEvent, Payload, Subject};
use crate::context::Ambient;
use crate::delivery::Delivery;
use crate::envelope::Envelope;
use crate::lifespan::Lifespan;
use crate::registry::Named;
use crate::scope::ScopeQueue;

/// An event from elsewhere that nothing but a lack of room can keep from being accepted.
pub(crate) struct Arrival<'a> {
    envelope: &'a Envelope,
    subject: Subject,
    payload: Box<dyn Payload>,
    /// Whether it takes room until it has been delivered.
    waits: bool,
}

impl<'a> Arrival<'a> {
    /// Checks the event of a message, and does nothing else with it.
    pub(crate) fn check(lifespan: &Lifespan, envelope: &'a Envelope) -> Result<Self, DispatchError> {
        let ambient = Ambient::of(lifespan.clone());
        Self::checked(&ambient, envelope).inspect_err(|error| ambient.refused(error))
    }

    fn checked(ambient: &Ambient, envelope: &'a Envelope) -> Result<Self, DispatchError> {
        let (subject, payload) = read(&ambient.lifespan, envelope)?;
        let waits = match &subject {
            &Subject::Declared { decl, variant } => {
                let route = ambient.lifespan.core().routes.declared(decl, variant);
                let route = route.ok_or_else(|| DispatchError::NotLinked { event: subject.name().into() })?;
                check_rules(Named { decl, variant }, &*payload)?;
                !route.ends_now()
            }
            Subject::Unknown { route, .. } => !route.ends_now(),
        };
        ambient.check_hops(&subject, envelope)?;
        Ok(Self { envelope, subject, payload, waits })
    }

    /// Accepts events in their order: what their `now` handlers did, and those that others wait for. Nothing where there is
    /// no room for all of them.
    pub(crate) fn accept_all(
        arrivals: Vec<Self>,
        lifespan: &Lifespan,
        scope: &Arc<ScopeQueue>,
    ) -> Option<(Delivery, Vec<AnyEvent>)> {
        let places = arrivals.iter().filter(|arrival| arrival.waits).count();
        if !lifespan.core().reserve_many(places) {
            return None;
        }
        let ambient = Ambient { scope: Some(Arc::clone(scope)), ..Ambient::of(lifespan.clone()) };
        let (mut now, mut events) = (Delivery::default(), Vec::with_capacity(places));
        for Self { envelope, subject, mut payload, .. } in arrivals {
            let arrived = Arrived { envelope, is_prepared: true };
            // Nothing is left to refuse it for, but that dispatch has been disabled meanwhile, which drops it.
            let accepted = ambient.accept_from(subject, &mut *payload, Some(arrived)).unwrap_or_default();
            let Accepted { now: delivery, event } = accepted;
            now.join(delivery);
            events.extend(event);
        }
        lifespan.core().release_many(places - events.len());
        Some((now, events))
    }
}
