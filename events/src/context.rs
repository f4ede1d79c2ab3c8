//! Where code runs: in which lifespan, which scope, and for which event.

use std::any::{Any, TypeId, type_name};
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use crate::any::AnyEvent;
use crate::event::EventDecl;
use crate::lifespan::Lifespan;
use crate::metadata::Cause;
use crate::scope::ScopeQueue;

/// What a handler's parameters are made from: the lifespan and the event of the call.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub(crate) lifespan: &'a Lifespan,
    pub(crate) payload: &'a (dyn Any + Send + Sync),
    pub(crate) event: Option<&'a AnyEvent>,
}

impl<'a> Context<'a> {
    pub(crate) fn of_event(lifespan: &'a Lifespan, event: &'a AnyEvent) -> Self {
        Self { lifespan, payload: event.payload(), event: Some(event) }
    }

    /// The lifespan that the handler runs in.
    pub fn lifespan(&self) -> &'a Lifespan {
        self.lifespan
    }

    /// The event that the handler is called for, if it is called for one.
    pub fn event(&self) -> Option<&'a AnyEvent> {
        self.event
    }

    /// The lifespan's state of type `T`.
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.lifespan.core().state::<T>()
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("event", &self.event).finish_non_exhaustive()
    }
}

/// What can be said of a handler without running it: the state that it needs and the events that it emits.
#[derive(Debug, Default)]
pub struct Signature {
    pub(crate) state: Vec<StateType>,
    pub(crate) emits: Vec<&'static EventDecl>,
}

/// A type of state that some handler asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StateType {
    pub(crate) id: TypeId,
    pub(crate) name: &'static str,
}

impl Signature {
    /// Declares that the handler cannot run without the lifespan's state of type `T`.
    pub fn needs_state<T: Send + Sync + 'static>(&mut self) {
        self.state.push(StateType { id: TypeId::of::<T>(), name: type_name::<T>() });
    }

    /// Declares that the handler may dispatch events of type `E`.
    pub fn emits<E: crate::Event>(&mut self) {
        let decl = E::__declaration();
        if !self.emits.iter().any(|known| known.type_id == decl.type_id) {
            self.emits.push(decl);
        }
    }
}

/// What `dispatch` finds in the thread that calls it.
#[derive(Clone, Debug)]
pub(crate) struct Ambient {
    pub(crate) lifespan: Lifespan,
    pub(crate) scope: Option<Arc<ScopeQueue>>,
    pub(crate) cause: Option<Cause>,
    /// How many `now` handlers are on the stack.
    pub(crate) nested: u32,
}

thread_local! {
    static CURRENT: RefCell<Option<Ambient>> = const { RefCell::new(None) };
}

impl Ambient {
    pub(crate) fn of(lifespan: Lifespan) -> Self {
        Self { lifespan, scope: None, cause: None, nested: 0 }
    }

    /// What surrounds the caller; nothing while a thread is being torn down.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
    }

    /// Surrounds the caller until the guard is dropped.
    pub(crate) fn enter(self) -> Entered {
        Entered(swap(Some(self)))
    }
}

fn swap(ambient: Option<Ambient>) -> Option<Ambient> {
    CURRENT.try_with(|current| current.replace(ambient)).ok().flatten()
}

/// Restores what surrounded the caller before.
#[derive(Debug)]
pub(crate) struct Entered(Option<Ambient>);

impl Drop for Entered {
    fn drop(&mut self) {
        swap(self.0.take());
    }
}

pin_project_lite::pin_project! {
    /// A future that is surrounded by `ambient` whenever it is polled, and when it is dropped.
    pub(crate) struct InAmbient<F> {
        ambient: Option<Ambient>,
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for InAmbient<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_some() {
                let _lent = Lent::new(this.ambient);
                this.future.set(None);
            }
        }
    }
}

impl<F> InAmbient<F> {
    pub(crate) fn new(ambient: Ambient, future: F) -> Self {
        Self { ambient: Some(ambient), future: Some(future) }
    }
}

impl<F: Future> Future for InAmbient<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _lent = Lent::new(this.ambient);
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Pending };
        let output = task::ready!(future.poll(cx));
        this.future.set(None);
        Poll::Ready(output)
    }
}

/// Takes the ambient back home after a poll, without touching its reference counts.
struct Lent<'a> {
    outer: Option<Ambient>,
    home: &'a mut Option<Ambient>,
}

impl<'a> Lent<'a> {
    fn new(home: &'a mut Option<Ambient>) -> Self {
        Self { outer: swap(home.take()), home }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        *self.home = swap(self.outer.take());
    }
}
