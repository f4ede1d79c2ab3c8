//! One handler alone.

use std::any::{TypeId, type_name};
use std::future::Future;
use std::sync::Arc;

use super::TestLifespan;
use super::seam::{Kit, Seam};
use crate::any::AnyEvent;
use crate::context::{About, Ambient, Context, InAmbient};
use crate::dispatch::{DispatchError, dispatch_in};
use crate::event::Event;
use crate::failure::Failure;
use crate::handler::{Handler, HandlerDecl};
use crate::lifespan::Lifespan;
use crate::metadata::Cause;
use crate::registry::Registry;

/// What a handler did that was [called](TestLifespan::call) alone.
#[derive(Clone, Debug)]
#[must_use = "a handler that failed says so here alone"]
pub struct Called {
    failure: Option<Failure>,
    emitted: Vec<AnyEvent>,
}

impl Called {
    /// Whether the handler did its work.
    pub fn is_ok(&self) -> bool {
        self.failure.is_none()
    }

    /// How the handler failed, if it did: by an error, a panic or its time-out.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// The events that it returned and dispatched, in order.
    pub fn emitted(&self) -> &[AnyEvent] {
        &self.emitted
    }

    /// The payloads of the events that it returned and dispatched, where they are of type `E`.
    pub fn emitted_of<E: Event>(&self) -> Vec<&E> {
        self.emitted.iter().filter_map(AnyEvent::downcast_ref).collect()
    }
}

impl TestLifespan {
    /// Calls one handler for one event, and collects what it emits.
    ///
    /// The event is checked as by [`dispatch`](crate::dispatch), and the handler is called as in a delivery: with its real
    /// parameters, its time-out, on the blocking pool if it asks for that; an error or a panic is its failure. It need not be
    /// among the functions that the lifespan was started with.
    ///
    /// Nothing else is called. What the handler emits, by what it returns and by what it and the tasks that it
    /// [spawns](crate::spawn) dispatch, is accepted, and goes to no handler; `deliver` inside of it answers that none ran. The
    /// lifespan that it is given has the state and the [variables](crate::LifespanVar) of this one, and is another one; the
    /// record and the failure hooks of this one hear nothing.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::testing::TestLifespan;
    /// use events::{Event, on};
    ///
    /// #[derive(Event)]
    /// struct CatAsked(u32);
    ///
    /// #[derive(Event)]
    /// struct CatFed(u32);
    ///
    /// #[on]
    /// async fn feed(event: &CatAsked) -> Result<CatFed, String> {
    ///     if event.0 > 5 { Err(format!("{} fish are too many", event.0)) } else { Ok(CatFed(event.0)) }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), events::Error> {
    /// let app = TestLifespan::start().await;
    /// let called = app.call(feed, CatAsked(2)).await?;
    /// assert!(matches!(called.emitted_of()[..], [CatFed(2)]));
    /// let called = app.call(feed, CatAsked(9)).await?;
    /// assert_eq!(called.failure().unwrap().cause().to_string(), "9 fish are too many");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`dispatch`](crate::dispatch): [`Invalid`](DispatchError::Invalid) when the payload breaks its own rules,
    /// [`Closed`](DispatchError::Closed) after the lifespan's end. The handler is not called then.
    ///
    /// # Panics
    ///
    /// At once, when `function` is not a handler, or does not take the event.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the handler where it stands. A `blocking` one goes on.
    #[track_caller]
    pub fn call<F, E>(
        &self,
        function: F,
        event: E,
    ) -> impl Future<Output = Result<Called, DispatchError>> + use<'_, F, E>
    where
        F: 'static,
        E: Event,
    {
        drop(function);
        let handler = Handler::Declared(find::<F, E>(&event));
        async move {
            if !self.is_open() {
                return Err(DispatchError::Closed { event: event.name().into() });
            }
            let kit = Arc::<Kit>::default();
            call(&self.alone(Seam::new(&kit)), &kit, &handler, event).await
        }
    }
}

async fn call<E: Event>(lifespan: &Lifespan, kit: &Kit, handler: &Handler, event: E) -> Result<Called, DispatchError> {
    let ambient = Ambient::of(lifespan.clone());
    dispatch_in(&ambient, event)?;
    let emitted = |kit: &Kit| kit.record().events().cloned().collect::<Vec<_>>();
    let [event] = &emitted(kit)[..] else { return Ok(Called { failure: None, emitted: Vec::new() }) };
    let ambient = Ambient { cause: Some(Cause::from(event.meta())), in_handler: true, ..ambient };
    let context = Context::new(lifespan, About::Event(event));
    let ended = InAmbient::new(ambient, crate::call::run(handler, context)).await;
    lifespan.core().gate.idle().await;
    Ok(Called { failure: Failure::of(Some(event), ended), emitted: emitted(kit).split_off(1) })
}

/// The declaration of a handler, as it takes an event.
#[track_caller]
fn find<F: 'static, E: Event>(event: &E) -> &'static HandlerDecl {
    let declared = || Registry::get().handlers.iter().copied().filter(|decl| decl.id == TypeId::of::<F>());
    let Some(first) = declared().next() else {
        panic!(
            "`call` was given `{}`, which is no handler: give it the name of a function under `#[on]` that takes an event",
            type_name::<F>()
        );
    };
    let own = E::__declaration();
    let takes = |decl: &&HandlerDecl| {
        decl.accepts.payload_type().is_none_or(|payload| payload.type_id == own.type_id)
            && decl.takes_name(event.name())
    };
    declared().find(takes).unwrap_or_else(|| {
        let patterns: Vec<_> = first.patterns.iter().map(|pattern| format!("`{pattern}`")).collect();
        let patterns =
            if patterns.is_empty() { String::new() } else { format!(" that matches {}", patterns.join(" or ")) };
        panic!("{} does not take `{}`: it takes `{}`{patterns}", first.site, event.name(), first.payload)
    })
}
