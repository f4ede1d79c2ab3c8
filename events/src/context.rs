//! Where code runs: in which lifespan, which scope, and for which event.

use std::any::{Any, TypeId, type_name};
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use crate::any::AnyEvent;
use crate::batch::Collected;
use crate::event::EventDecl;
use crate::failure::Failure;
use crate::lifespan::Lifespan;
use crate::metadata::Cause;
use crate::provider::ProviderDecl;
use crate::scope::ScopeQueue;
use crate::values::Values;

/// What a handler's parameters are made from: the lifespan, and the event of the call.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub(crate) lifespan: &'a Lifespan,
    pub(crate) about: About<'a>,
    pub(crate) values: Values<'a>,
}

/// What a call is about.
#[derive(Clone, Copy)]
pub(crate) enum About<'a> {
    /// A moment of the lifespan, or a tick.
    Nothing,
    /// An event that has not been stored: all that there is of it.
    Payload(&'a (dyn Any + Send + Sync)),
    Event(&'a AnyEvent),
    Batch(&'a Arc<[Collected]>),
    Failure(&'a Failure),
}

/// What a call on another thread is about.
pub(crate) enum OwnedAbout {
    Nothing,
    Event(AnyEvent),
    Batch(Arc<[Collected]>),
    Failure(Failure),
}

impl About<'_> {
    /// A payload that has not been stored cannot be kept; it is for calls in place alone.
    pub(crate) fn to_owned(self) -> OwnedAbout {
        match self {
            Self::Nothing | Self::Payload(_) => OwnedAbout::Nothing,
            Self::Event(event) => OwnedAbout::Event(event.clone()),
            Self::Batch(batch) => OwnedAbout::Batch(Arc::clone(batch)),
            Self::Failure(failure) => OwnedAbout::Failure(failure.clone()),
        }
    }
}

impl OwnedAbout {
    pub(crate) fn borrow(&self) -> About<'_> {
        match self {
            Self::Nothing => About::Nothing,
            Self::Event(event) => About::Event(event),
            Self::Batch(batch) => About::Batch(batch),
            Self::Failure(failure) => About::Failure(failure),
        }
    }
}

impl<'a> Context<'a> {
    pub(crate) fn new(lifespan: &'a Lifespan, about: About<'a>) -> Self {
        Self { lifespan, about, values: Values::None }
    }

    pub(crate) fn with_values(self, values: Values<'a>) -> Self {
        Self { values, ..self }
    }

    /// The lifespan that the handler runs in.
    pub fn lifespan(&self) -> &'a Lifespan {
        self.lifespan
    }

    /// The event that the handler is called for, if it is called for one.
    pub fn event(&self) -> Option<&'a AnyEvent> {
        match self.about {
            About::Event(event) => Some(event),
            About::Failure(failure) => failure.event(),
            About::Nothing | About::Payload(_) | About::Batch(_) => None,
        }
    }

    pub(crate) fn payload(&self) -> Option<&'a (dyn Any + Send + Sync)> {
        match self.about {
            About::Payload(payload) => Some(payload),
            About::Event(event) => Some(event.payload()),
            About::Nothing | About::Batch(_) | About::Failure(_) => None,
        }
    }

    /// The value of type `T` that the scope was given in which the event was dispatched, or the message that it came in.
    pub(crate) fn scope_value<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.values.get()
    }

    /// The value of type `T` that the event's scope was given, or that of the lifespan where the scope has none.
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.scope_value().or_else(|| self.lifespan.core().state())
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("event", &self.event()).finish_non_exhaustive()
    }
}

/// What can be said of a function without running it: the state and the providers that it needs, the events that it emits.
#[derive(Debug, Default)]
pub struct Signature {
    pub(crate) state: Vec<StateType>,
    pub(crate) emits: Vec<&'static EventDecl>,
    pub(crate) depends: Vec<Dependency>,
}

/// A parameter that a provider makes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dependency {
    pub(crate) provider: &'static ProviderDecl,
    /// Whether it is borrowed, and not taken by value.
    pub(crate) shared: bool,
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
        let needed = StateType { id: TypeId::of::<T>(), name: type_name::<T>() };
        if !self.state.contains(&needed) {
            self.state.push(needed);
        }
    }

    /// The paths of the providers that are needed, in the order of the parameters.
    pub(crate) fn provider_paths(&self) -> Vec<String> {
        self.depends.iter().map(|dependency| dependency.provider.site.path()).collect()
    }

    #[doc(hidden)]
    pub fn __depends(&mut self, provider: &'static ProviderDecl, shared: bool) {
        self.depends.push(Dependency { provider, shared });
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
    pub(crate) at: At,
    pub(crate) cause: Option<Cause>,
    /// How many `now` handlers are on the stack.
    pub(crate) nested: u32,
    /// Whether the caller is a handler, which has a place among those at work.
    pub(crate) in_handler: bool,
}

/// Where events go.
#[derive(Clone, Debug)]
pub(crate) enum At {
    Lifespan(Lifespan),
    /// To the lifespan as well, once the scope has ended.
    Scope(Arc<ScopeQueue>),
}

thread_local! {
    static CURRENT: RefCell<Option<Ambient>> = const { RefCell::new(None) };
}

impl Ambient {
    pub(crate) fn of(lifespan: Lifespan) -> Self {
        Self { at: At::Lifespan(lifespan), cause: None, nested: 0, in_handler: false }
    }

    pub(crate) fn in_scope(scope: Arc<ScopeQueue>) -> Self {
        Self { at: At::Scope(scope), cause: None, nested: 0, in_handler: false }
    }

    pub(crate) fn lifespan(&self) -> &Lifespan {
        match &self.at {
            At::Lifespan(lifespan) => lifespan,
            At::Scope(scope) => scope.lifespan(),
        }
    }

    /// The same place, for what `cause` leads to, below so many `now` handlers.
    pub(crate) fn with_cause(&self, cause: Cause, nested: u32) -> Self {
        Self { at: self.at.clone(), cause: Some(cause), nested, in_handler: self.in_handler }
    }

    #[inline]
    pub(crate) fn into_lifespan(self) -> Lifespan {
        match self.at {
            At::Lifespan(lifespan) => lifespan,
            At::Scope(scope) => scope.lifespan().clone(),
        }
    }

    /// The scope that the caller stands in, which may have ended.
    pub(crate) fn scope(&self) -> Option<&Arc<ScopeQueue>> {
        match &self.at {
            At::Lifespan(_) => None,
            At::Scope(scope) => Some(scope),
        }
    }

    pub(crate) fn into_scope(self) -> Option<Arc<ScopeQueue>> {
        match self.at {
            At::Lifespan(_) => None,
            At::Scope(scope) => Some(scope),
        }
    }

    /// The same place, as a link of the chain that the caller is part of.
    pub(crate) fn inside_current(self) -> Self {
        let current = CURRENT.try_with(|current| {
            current.borrow().as_ref().map(|Self { cause, in_handler, .. }| (cause.clone(), *in_handler))
        });
        match current.ok().flatten() {
            Some((cause, in_handler)) => Self { cause, in_handler, ..self },
            None => self,
        }
    }

    /// What surrounds the caller; nothing while a thread is being torn down.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
    }

    /// Whether the caller stands in a handler.
    pub(crate) fn is_in_handler() -> bool {
        let in_handler = |ambient: &Self| ambient.in_handler;
        CURRENT.try_with(|current| current.borrow().as_ref().is_some_and(in_handler)).unwrap_or(false)
    }

    /// What surrounds a task of its own, for which no handler waits.
    pub(crate) fn outside_handler(self) -> Self {
        Self { in_handler: false, ..self }
    }
}

/// What surrounds the caller, without touching its reference counts. Until the guard is dropped nobody else finds it, so that
/// no code of the user may run meanwhile.
pub(crate) struct AtHand(Option<Ambient>);

impl AtHand {
    pub(crate) fn take() -> Self {
        let mut taken = None;
        exchange(&mut taken);
        Self(taken)
    }

    pub(crate) fn get(&self) -> Option<&Ambient> {
        self.0.as_ref()
    }
}

impl Drop for AtHand {
    fn drop(&mut self) {
        exchange(&mut self.0);
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
            if this.future.is_some() {
                this.end();
            }
        }
    }
}

impl<F> InAmbient<F> {
    pub(crate) fn new(ambient: Ambient, future: F) -> Self {
        Self { ambient: Some(ambient), future: Some(future) }
    }
}

impl<F> InAmbient<F> {
    /// A future that is to be surrounded later, or not at all.
    pub(crate) fn unsurrounded(future: F) -> Self {
        Self { ambient: None, future: Some(future) }
    }

    /// Surrounds the future from now on.
    pub(crate) fn surround(self: Pin<&mut Self>, ambient: Ambient) {
        *self.project().ambient = Some(ambient);
    }

    /// Drops the future where it has been polled.
    pub(crate) fn end(self: Pin<&mut Self>) {
        let mut this = self.project();
        let _lent = this.ambient.is_some().then(|| Lent::new(this.ambient));
        this.future.set(None);
    }
}

impl<F: Future> Future for InAmbient<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let _lent = this.ambient.is_some().then(|| Lent::new(this.ambient));
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Pending };
        let output = task::ready!(future.poll(cx));
        this.future.set(None);
        Poll::Ready(output)
    }
}

/// Surrounds the caller by an ambient, and takes it back home, without touching its reference counts.
pub(crate) struct Lent<'a>(&'a mut Option<Ambient>);

impl<'a> Lent<'a> {
    #[inline]
    pub(crate) fn new(home: &'a mut Option<Ambient>) -> Self {
        exchange(home);
        Self(home)
    }
}

impl Drop for Lent<'_> {
    #[inline]
    fn drop(&mut self) {
        exchange(self.0);
    }
}

#[inline]
fn exchange(ambient: &mut Option<Ambient>) {
    let _ = CURRENT.try_with(|current| std::mem::swap(&mut *current.borrow_mut(), ambient));
}
