//! Events that arrive together: all of them are accepted, or none.

use super::DispatchError;
use super::accept::{Accepted, Brought, check_rules};
use super::named::{decode, subject_of};
use crate::any::{AnyEvent, Payload, Subject};
use crate::context::Ambient;
use crate::delivery::Delivery;
use crate::envelope::{Beside, Envelope};
use crate::lifespan::Lifespan;
use crate::values::Values;

/// An event from elsewhere that nothing but a lack of room can keep from being accepted.
pub(crate) struct Arrival {
    beside: Beside,
    subject: Subject,
    payload: Box<dyn Payload>,
    /// Whether it takes room until it has been delivered.
    waits: bool,
}

impl Arrival {
    /// Checks the event of a message, and does nothing else with it.
    pub(crate) fn check(lifespan: &Lifespan, envelope: &Envelope) -> Result<Self, DispatchError> {
        let ambient = Ambient::of(lifespan.clone());
        let mut arrival = None;
        let checked = decode(envelope.name(), envelope.version(), envelope.payload(), &mut |named, payload| {
            let subject = subject_of(lifespan, named, envelope.name());
            arrival = Some(Self::checked(&ambient, envelope.beside(), subject, payload)?);
            Ok(Accepted::default())
        });
        checked.inspect_err(|error| ambient.refused(error))?;
        // What is decoded without an error has been shown to the closure.
        arrival.ok_or_else(|| DispatchError::NotLinked { event: envelope.name().into() })
    }

    fn checked(
        ambient: &Ambient,
        beside: Beside,
        subject: Subject,
        payload: &mut dyn Payload,
    ) -> Result<Self, DispatchError> {
        let waits = match &subject {
            &Subject::Declared { decl, variant } => {
                let route = ambient.lifespan().core().routes.declared(decl, variant);
                let route = route.ok_or_else(|| DispatchError::NotLinked { event: subject.name().into() })?;
                check_rules(&subject, payload)?;
                !route.ends_now()
            }
            Subject::Unknown { route, .. } => !route.ends_now(),
        };
        ambient.lifespan().core().check_hops(&subject, &beside)?;
        Ok(Self { beside, subject, payload: payload.boxed(), waits })
    }

    /// What the sender calls the event, or its name.
    pub(crate) fn name(&self) -> &str {
        self.subject.name()
    }

    /// Accepts events in their order: what their `now` handlers did, and those that others wait for.
    ///
    /// # Errors
    ///
    /// The events, where there is no room for all of them.
    pub(crate) fn accept_all(
        arrivals: Vec<Self>,
        lifespan: &Lifespan,
        values: Values<'_>,
    ) -> Result<(Delivery, Vec<AnyEvent>), Vec<Self>> {
        let places = arrivals.iter().filter(|arrival| arrival.waits).count();
        if !lifespan.core().reserve_many(places) {
            return Err(arrivals);
        }
        let ambient = Ambient::of(lifespan.clone());
        let (mut now, mut events) = (Delivery::default(), Vec::with_capacity(places));
        for Self { mut beside, subject, mut payload, .. } in arrivals {
            let brought = Brought { beside: &mut beside, values, is_prepared: true };
            // Nothing is left to refuse it for, but that dispatch has been disabled meanwhile, which drops it.
            let accepted = ambient.accept_from(subject, &mut *payload, Some(brought)).unwrap_or_default();
            let Accepted { now: delivery, event } = accepted;
            now.join(delivery);
            events.extend(event);
        }
        lifespan.core().release_many(places - events.len());
        Ok((now, events))
    }
}
