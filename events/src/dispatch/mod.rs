//! Handing events over: to the scope, to the lifespan, or to the handlers at once.

mod accept;
mod arrive;
mod error;
mod named;
mod outside;
#[cfg(feature = "http")]
mod together;

use crate::any::{Loose, Payload, Subject};
use crate::context::{Ambient, AtHand};
use crate::delivery::{Bundle, Delivery, Handover};
use crate::event::Event;
use crate::lifespan::Lifespan;
use crate::scope::Events;
use crate::telemetry::spans;
pub(crate) use accept::Accepted;
use accept::closed;
pub(crate) use arrive::arrive;
pub use error::DispatchError;
pub(crate) use error::shortened;
pub use named::{dispatch_named, dispatch_named_version};
#[cfg(feature = "http")]
pub(crate) use together::Arrival;

/// Hands an event to the surrounding scope or lifespan, and returns at once, without waiting for handlers.
///
/// Inside a [scope](Lifespan::scope) the event is queued, and delivered when the scope's work has ended. In a handler it
/// is delivered at once, in a task of its own, as a link of the chain that the handler's event belongs to. `now`
/// handlers run before this function returns.
///
/// Where dispatch is [disabled](crate::LifespanBuilder::disable_dispatch), the event is checked and dropped.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{Event, Lifespan, dispatch};
///
/// #[derive(Event)]
/// struct CatFed {
///     fish: u32,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), events::Error> {
/// let app = Lifespan::builder().start().await?;
/// app.scope(async { dispatch(CatFed { fish: 2 }) }).await?;
/// app.shutdown().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`DispatchError::NoLifespan`] outside of any lifespan where the environment does not disable dispatch,
/// [`Invalid`](DispatchError::Invalid) when the payload breaks its own rules, [`TooDeep`](DispatchError::TooDeep) and
/// [`Full`](DispatchError::Full) at the lifespan's limits, [`Closed`](DispatchError::Closed) after its end. Nothing is
/// queued then.
pub fn dispatch<E: Event>(event: E) -> Result<(), DispatchError> {
    dispatch_here(Subject::of(&event), &mut Loose::new(event))
}

/// Dispatches an event whose payload is not checked by its rules.
///
/// For payloads that were checked already, where the rules cost more than they tell: what a database gives back, an
/// event that is dispatched again after [`Full`](DispatchError::Full), a million readings of a sensor. Handlers rely on
/// the rules, and get whatever this function is given. There is no such way for payloads from elsewhere: what arrives by
/// name is always checked.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{Event, Lifespan, dispatch, dispatch_unchecked};
/// use validator::Validate;
///
/// #[derive(Event, Validate)]
/// struct CatFed {
///     #[validate(range(max = 10))]
///     fish: u32,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), events::Error> {
/// let app = Lifespan::builder().start().await?;
/// app.scope(async {
///     assert!(dispatch(CatFed { fish: 12 }).is_err());
///     dispatch_unchecked(CatFed { fish: 12 }) // it was a feast
/// })
/// .await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`dispatch`], [`Invalid`](DispatchError::Invalid) excepted.
pub fn dispatch_unchecked<E: Event>(event: E) -> Result<(), DispatchError> {
    dispatch_here(Subject::of(&event), &mut Loose::unchecked(event))
}

/// Runs the handlers of an event and waits for them: at once, whatever scope is open.
///
/// What the handlers dispatch in turn is not waited for.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{Event, Lifespan, deliver, on};
///
/// #[derive(Event)]
/// struct CatFed;
///
/// #[on]
/// fn refuse(_: &CatFed) -> Result<(), &'static str> {
///     Err("no fish left")
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), events::Error> {
/// let app = Lifespan::builder().start().await?;
/// let delivery = app.scope(async { deliver(CatFed).await }).await?;
/// assert_eq!(delivery.handlers(), 1);
/// assert_eq!(delivery.failures()[0].cause().to_string(), "no fish left");
/// app.shutdown().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`dispatch`]. A handler's failure is none of them: it is in the answer.
///
/// # Cancel safety
///
/// Dropping the future cancels no handler: the lifespan finishes the delivery, and its report goes to the log alone.
pub async fn deliver<E: Event>(event: E) -> Result<Delivery, DispatchError> {
    let accepted = match Ambient::current() {
        Some(ambient) => accept_delivery(&ambient, event),
        None => outside::check(&Subject::of(&event), &Loose::new(event)).map(|()| Delivering::default()),
    };
    Ok(accepted?.finish().await)
}

/// Dispatches from where the caller stands.
fn dispatch_here(subject: Subject, payload: &mut dyn Payload) -> Result<(), DispatchError> {
    // Whoever looks at spans runs code of the user's, and so do rules, for whom the surroundings stay where they are.
    if spans::are_seen() || subject.has_rules() {
        return match Ambient::current() {
            Some(ambient) => dispatch_payload(&ambient, subject, payload),
            None => outside::check(&subject, payload),
        };
    }
    let at_hand = AtHand::take();
    let Some(ambient) = at_hand.get() else { return outside::check(&subject, payload) };
    dispatch_payload(ambient, subject, payload)
}

pub(crate) fn dispatch_in<E: Event>(ambient: &Ambient, event: E) -> Result<(), DispatchError> {
    dispatch_payload(ambient, Subject::of(&event), &mut Loose::new(event))
}

fn dispatch_payload(ambient: &Ambient, subject: Subject, payload: &mut dyn Payload) -> Result<(), DispatchError> {
    ambient.dispatch(subject, payload).inspect_err(|error| ambient.refused(error))
}

/// An event that was accepted for delivery, while its handlers run.
#[derive(Default)]
struct Delivering {
    before: Delivery,
    rest: Option<Handover>,
}

impl Delivering {
    async fn finish(self) -> Delivery {
        let mut delivery = self.before;
        if let Some(rest) = self.rest {
            delivery.join(rest.await);
        }
        delivery
    }
}

fn accept_delivery<E: Event>(ambient: &Ambient, event: E) -> Result<Delivering, DispatchError> {
    let subject = Subject::of(&event);
    let work = ambient.lifespan().begin(true).ok_or_else(|| closed(&subject));
    let accepted = work.and_then(|work| Ok((work, ambient.accept(subject, &mut Loose::new(event))?)));
    let (work, accepted) = accepted.inspect_err(|error| ambient.refused(error))?;
    let rest = accepted.event.map(|event| Handover::new(Bundle::new(work, Events::One(event))));
    Ok(Delivering { before: accepted.now, rest })
}

impl Lifespan {
    /// Dispatches an event to this lifespan, at once: from any thread, runtime or scope, that of another lifespan included.
    ///
    /// # Errors
    ///
    /// As [`dispatch`], [`NoLifespan`](DispatchError::NoLifespan) excepted.
    pub fn dispatch<E: Event>(&self, event: E) -> Result<(), DispatchError> {
        let ambient = self.ambient_for(event.name())?;
        dispatch_in(&ambient, event)
    }

    /// Dispatches an event to this lifespan, at once, without a check of its payload. See [`dispatch_unchecked`].
    ///
    /// # Errors
    ///
    /// As [`dispatch_unchecked`], [`NoLifespan`](DispatchError::NoLifespan) excepted.
    pub fn dispatch_unchecked<E: Event>(&self, event: E) -> Result<(), DispatchError> {
        let ambient = self.ambient_for(event.name())?;
        dispatch_payload(&ambient, Subject::of(&event), &mut Loose::unchecked(event))
    }

    /// Runs the handlers of an event in this lifespan and waits for them. See [`deliver`].
    ///
    /// # Errors
    ///
    /// As [`deliver`], [`NoLifespan`](DispatchError::NoLifespan) excepted.
    ///
    /// # Cancel safety
    ///
    /// As [`deliver`].
    pub async fn deliver<E: Event>(&self, event: E) -> Result<Delivery, DispatchError> {
        let accepted = self.ambient_for(event.name()).and_then(|ambient| accept_delivery(&ambient, event));
        Ok(accepted?.finish().await)
    }

    /// What surrounds an explicit dispatch: no scope, but the chain that the caller is part of.
    fn ambient_for(&self, event: &str) -> Result<Ambient, DispatchError> {
        let surrounding = Ambient::current();
        let inside = surrounding.as_ref().is_some_and(|ambient| ambient.lifespan().is(self));
        if !inside && !self.is_open() {
            let error = DispatchError::Closed { event: shortened(event) };
            self.core().refused(&error, None);
            return Err(error);
        }
        let own = Ambient::of(self.internal());
        Ok(match surrounding {
            Some(Ambient { cause, nested, in_handler, .. }) => Ambient { cause, nested, in_handler, ..own },
            None => own,
        })
    }
}
