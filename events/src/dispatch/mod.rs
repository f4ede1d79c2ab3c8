//! Handing events over: to the scope, to the lifespan, or to the handlers at once.

mod accept;
mod error;

use crate::any::{Loose, Subject};
use crate::context::Ambient;
use crate::delivery::{Batch, Delivery, Handover};
use crate::event::{Deserialize, Event};
use crate::lifespan::Lifespan;
use crate::name;
use crate::registry::{Named, Registry};
use accept::closed;
pub use error::DispatchError;
use error::shortened;

/// Hands an event to the surrounding scope or lifespan, and returns at once, without waiting for handlers.
///
/// Inside a [scope](Lifespan::scope) the event is queued, and delivered when the scope's work has ended. In a handler it
/// is delivered at once, in a task of its own, as a link of the chain that the handler's event belongs to. `now`
/// handlers run before this function returns.
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
/// [`DispatchError::NoLifespan`] outside of any lifespan, [`Invalid`](DispatchError::Invalid) when the payload breaks its
/// own rules, [`TooDeep`](DispatchError::TooDeep) and [`Full`](DispatchError::Full) at the lifespan's limits,
/// [`Closed`](DispatchError::Closed) after its end. Nothing is queued then.
pub fn dispatch<E: Event>(event: E) -> Result<(), DispatchError> {
    match Ambient::current() {
        Some(ambient) => dispatch_in(&ambient, event),
        None => Err(DispatchError::NoLifespan { event: event.name().into() }),
    }
}

/// Dispatches an event that is known by its name and its JSON alone, as a message from elsewhere is.
///
/// Where a linked type has the name, the payload becomes a value of that type and is validated, and the event is the same
/// as one that was dispatched by [`dispatch`]. Where none has, it goes, unvalidated, to the handlers over `&AnyEvent` and
/// [`View<T>`](crate::View) whose patterns match. `json` is text or bytes: JSON, in UTF-8.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{DispatchError, Event, Lifespan, dispatch_named};
///
/// #[derive(Event, serde::Deserialize)]
/// struct CatFed {
///     fish: u32,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), events::Error> {
/// let app = Lifespan::builder().start().await?;
/// app.scope(async {
///     dispatch_named("cat-fed", r#"{"fish":2}"#)?;
///     let error = dispatch_named("cat-fed", r#"{"fish":"two"}"#).unwrap_err();
///     assert!(error.to_string().contains("at `fish`"), "{error}");
///     Ok::<(), DispatchError>(())
/// })
/// .await?;
/// app.shutdown().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of [`dispatch`], and [`DispatchError::Name`] for a text that cannot be a name,
/// [`Malformed`](DispatchError::Malformed) for a payload that does not fit,
/// [`NotDeserialize`](DispatchError::NotDeserialize) for a type that cannot be made of JSON.
pub fn dispatch_named(name: &str, json: impl AsRef<[u8]>) -> Result<(), DispatchError> {
    match Ambient::current() {
        Some(ambient) => dispatch_named_in(&ambient, name, json.as_ref()),
        None => Err(DispatchError::NoLifespan { event: shortened(name) }),
    }
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
        None => Err(DispatchError::NoLifespan { event: event.name().into() }),
    };
    Ok(accepted?.finish().await)
}

pub(crate) fn dispatch_in<E: Event>(ambient: &Ambient, event: E) -> Result<(), DispatchError> {
    let subject = Subject::Declared { decl: E::__declaration(), variant: event.__variant() };
    ambient.dispatch(subject, &mut Loose::new(event))
}

fn dispatch_named_in(ambient: &Ambient, name: &str, json: &[u8]) -> Result<(), DispatchError> {
    name::check(name).map_err(|error| DispatchError::Name { name: shortened(name), error })?;
    let malformed = |error| DispatchError::Malformed { event: name.into(), error };
    let (subject, mut payload) = match Registry::get().names.get(name) {
        Some(&Named { decl, variant }) => {
            let deserialize: Deserialize = decl
                .deserialize
                .ok_or(DispatchError::NotDeserialize { event: name.into(), type_name: decl.type_name })?;
            (Subject::Declared { decl, variant }, deserialize(variant, json).map_err(malformed)?)
        }
        None => {
            let route = ambient.lifespan.core().routes.unknown(name);
            (Subject::Unknown { name: name.into(), route }, crate::wire::raw(json).map_err(malformed)?)
        }
    };
    ambient.dispatch(subject, &mut *payload)
}

/// An event that was accepted for delivery, while its handlers run.
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
    let subject = Subject::Declared { decl: E::__declaration(), variant: event.__variant() };
    let work = ambient.lifespan.begin(true).ok_or_else(|| closed(&subject))?;
    let accepted = ambient.accept(subject, &mut Loose::new(event))?;
    let rest = accepted.event.map(|event| Handover::new(Batch::new(work, vec![event])));
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

    /// Dispatches an event to this lifespan, at once, by its name and its JSON. See [`dispatch_named`].
    ///
    /// # Errors
    ///
    /// As [`dispatch_named`], [`NoLifespan`](DispatchError::NoLifespan) excepted.
    pub fn dispatch_named(&self, name: &str, json: impl AsRef<[u8]>) -> Result<(), DispatchError> {
        let ambient = self.ambient_for(name)?;
        dispatch_named_in(&ambient, name, json.as_ref())
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
        let inside = surrounding.as_ref().is_some_and(|ambient| ambient.lifespan.is(self));
        if !inside && !self.is_open() {
            return Err(DispatchError::Closed { event: shortened(event) });
        }
        let own = Ambient::of(self.internal());
        Ok(match surrounding {
            Some(Ambient { cause, nested, in_handler, .. }) => Ambient { cause, nested, in_handler, ..own },
            None => own,
        })
    }
}
