//! How an event is accepted: checked, shown to the `now` handlers, and queued.

use std::sync::Arc;
use std::time::SystemTime;

use crate::any::{AnyEvent, Form, Loose, Payload, Subject};
use crate::context::{Ambient, Context};
use crate::delivery::{Batch, Delivery, Ended, Handover, schedule};
use crate::event::{Deserialize, Event};
use crate::lifespan::Lifespan;
use crate::metadata::{Cause, Meta};
use crate::name::{self, NameError};
use crate::registry::{Named, Registry};
use crate::route::Route;
use crate::validate::ValidationErrors;
use crate::wire::DecodeError;

/// How deep `now` handlers may dispatch to `now` handlers: each level stands on the caller's stack.
const MAX_NESTED: u32 = 64;

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

/// Why an event was refused. Nothing of it has been queued then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DispatchError {
    /// The caller stands in no scope, handler or task of a lifespan.
    #[error(
        "`{event}` was dispatched outside of a lifespan: dispatch inside `lifespan.scope(..)` or a handler, or call `lifespan.dispatch(..)`"
    )]
    NoLifespan {
        /// The event's name.
        event: Box<str>,
    },
    /// The lifespan has been shut down, or is shutting down and takes nothing from outside any more.
    #[error("`{event}` came after the lifespan's end: it has been shut down")]
    Closed {
        /// The event's name.
        event: Box<str>,
    },
    /// The payload breaks its own rules.
    #[error("`{event}` is invalid: {errors}")]
    Invalid {
        /// The event's name.
        event: Box<str>,
        /// The broken rules.
        errors: ValidationErrors,
    },
    /// The payload is not JSON, or not of the shape that the name asks for.
    #[error("the payload of `{event}` does not fit: {error}")]
    Malformed {
        /// The event's name.
        event: Box<str>,
        /// What is wrong with it, and where.
        #[source]
        error: DecodeError,
    },
    /// The text cannot be the name of any event.
    #[error("`{name}` cannot be dispatched: {error}")]
    Name {
        /// The text, shortened where it is long.
        name: Box<str>,
        /// Why it is no name.
        error: NameError,
    },
    /// The name belongs to a type that cannot be made of JSON.
    #[error("`{event}` cannot be dispatched by name: derive `serde::Deserialize` for its type `{type_name}`")]
    NotDeserialize {
        /// The event's name.
        event: Box<str>,
        /// The type that has the name.
        type_name: &'static str,
    },
    /// Too many handlers stand between the event and the one that its chain began with.
    #[error(
        "`{event}` would be number {hops} of its chain, past the limit of {limit}: some handler dispatches what leads back to itself"
    )]
    TooDeep {
        /// The event's name.
        event: Box<str>,
        /// How many handlers would have come before.
        hops: u32,
        /// How many may: [`LifespanBuilder::max_hops`](crate::LifespanBuilder::max_hops).
        limit: u32,
    },
    /// As many events wait for their delivery as the lifespan takes.
    #[error("the lifespan is full: {limit} events wait for delivery, `{}` was given back", event.name())]
    Full {
        /// The event, for [`try_into_inner`](AnyEvent::try_into_inner) and another attempt.
        event: AnyEvent,
        /// How many may wait: [`LifespanBuilder::max_pending`](crate::LifespanBuilder::max_pending).
        limit: usize,
    },
    /// The event's type came into the process after the first lifespan had read the link table.
    #[error("`{event}` is not in the link table: its type was loaded after the first lifespan started")]
    NotLinked {
        /// The event's name.
        event: Box<str>,
    },
}

/// At most this many bytes of a refused name are repeated in its error.
const SHOWN_NAME_LEN: usize = 64;

fn shortened(name: &str) -> Box<str> {
    if name.len() <= SHOWN_NAME_LEN {
        return name.into();
    }
    let end = name.floor_char_boundary(SHOWN_NAME_LEN);
    format!("{}.. ({} bytes)", &name[..end], name.len()).into()
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
        match self.rest {
            Some(rest) => self.before.join(rest.await),
            None => self.before,
        }
    }
}

fn accept_delivery<E: Event>(ambient: &Ambient, event: E) -> Result<Delivering, DispatchError> {
    let subject = Subject::Declared { decl: E::__declaration(), variant: event.__variant() };
    let work = ambient.lifespan.begin(true).ok_or_else(|| closed(&subject))?;
    let accepted = ambient.accept(subject, &mut Loose::new(event))?;
    let rest = accepted.event.map(|event| Handover::new(Batch::new(work, vec![event])));
    Ok(Delivering { before: accepted.now, rest })
}

fn closed(subject: &Subject) -> DispatchError {
    DispatchError::Closed { event: subject.name().into() }
}

/// An event that passed every check.
struct Accepted {
    /// What the `now` handlers did.
    now: Delivery,
    /// The event, counted as pending, where other handlers wait for it.
    event: Option<AnyEvent>,
}

impl Ambient {
    /// Accepts an event into the open scope, or into the lifespan where there is none.
    fn dispatch(&self, subject: Subject, payload: &mut dyn Payload) -> Result<(), DispatchError> {
        if let Some(scope) = self.scope.as_ref().filter(|scope| scope.is_open()) {
            let Some(event) = self.accept(subject, payload)?.event else { return Ok(()) };
            return match scope.push(event) {
                Ok(()) => Ok(()),
                Err(event) => self.outlive(event),
            };
        }
        let work = self.lifespan.begin(true).ok_or_else(|| closed(&subject))?;
        if let Some(event) = self.accept(subject, payload)?.event {
            schedule(Batch::new(work, vec![event]));
        }
        Ok(())
    }

    /// Delivers an event whose scope has ended while it was accepted.
    fn outlive(&self, event: AnyEvent) -> Result<(), DispatchError> {
        match self.lifespan.begin(true) {
            Some(work) => {
                schedule(Batch::new(work, vec![event]));
                Ok(())
            }
            None => {
                self.lifespan.core().settle(1, &[]);
                Err(closed(event.subject()))
            }
        }
    }

    /// Checks an event and runs its `now` handlers.
    fn accept(&self, subject: Subject, payload: &mut dyn Payload) -> Result<Accepted, DispatchError> {
        let core = self.lifespan.core();
        let known_route;
        let route: &Route = match &subject {
            Subject::Declared { decl, variant } => {
                let not_linked = || DispatchError::NotLinked { event: subject.name().into() };
                let route = core.routes.declared(decl, *variant).ok_or_else(not_linked)?;
                if let Some(validate) = decl.validate {
                    validate(payload.peek())
                        .map_err(|errors| DispatchError::Invalid { event: subject.name().into(), errors })?;
                }
                route
            }
            Subject::Unknown { route, .. } => {
                known_route = Arc::clone(route);
                &known_route
            }
        };
        let meta = self.meta(&subject)?;
        if route.ends_now() && (route.now.is_empty() || route.payload_alone) {
            return Ok(Accepted { now: self.run_in_place(route, subject, meta, payload), event: None });
        }
        let Some(event) = payload.store(Form { subject, meta, shared: route.shared }) else {
            return Ok(Accepted { now: Delivery::default(), event: None });
        };
        if !route.ends_now() && !core.reserve() {
            return Err(DispatchError::Full { event, limit: core.limits.max_pending });
        }
        let now = self.run_now(route, &event);
        Ok(Accepted { now, event: (!route.ends_now()).then_some(event) })
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
        })
    }

    fn inside_now(&self, meta: &Meta) -> Self {
        Self { cause: Some(Cause::from(meta)), nested: self.nested + 1, ..self.clone() }
    }

    /// Runs `now` handlers that are content with the payload, which stays where it is: nothing is allocated.
    fn run_in_place(&self, route: &Route, subject: Subject, meta: Meta, payload: &mut dyn Payload) -> Delivery {
        if route.now.is_empty() {
            return Delivery::default();
        }
        let entered = self.inside_now(&meta).enter();
        let context = Context { lifespan: &self.lifespan, payload: payload.peek(), event: None };
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

    fn run_now(&self, route: &Route, event: &AnyEvent) -> Delivery {
        let mut delivery = Delivery::default();
        if route.now.is_empty() {
            return delivery;
        }
        let _entered = self.inside_now(event.meta()).enter();
        for now in &route.now {
            delivery.count(event, &self.lifespan, now.run(Context::of_event(&self.lifespan, event)));
        }
        delivery
    }
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
        let (cause, nested) = surrounding.map_or((None, 0), |ambient| (ambient.cause, ambient.nested));
        Ok(Ambient { lifespan: self.clone(), scope: None, cause, nested })
    }
}
