//! What `#[on]` declares about a function, and handlers as a lifespan has them.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::batch::{BatchLimits, Bucket};
use crate::context::{Context, Signature};
use crate::error::BoxError;
use crate::event::EventDecl;
use crate::extract::Accepts;
use crate::flow::ClosurePart;
use crate::place::Site;
use crate::provider::ProvidedCall;

/// How a call ended: everything that the handler returned has been dispatched, or something went wrong.
pub type Outcome = Result<(), BoxError>;
/// A call that has begun.
pub type Running<'a> = BoxFuture<'a, Outcome>;
/// A call that ends before it returns.
pub(crate) type SyncCall = fn(Context<'_>) -> Outcome;
/// A call that begins when it is polled.
pub(crate) type AsyncCall = for<'a> fn(Context<'a>) -> Running<'a>;

/// The four ways to call a handler.
#[derive(Clone, Copy)]
pub enum Call {
    /// An `async fn`, in the delivery's task.
    Async(AsyncCall),
    /// A `fn`, in the delivery's task.
    Sync(SyncCall),
    /// A `fn` on the runtime's blocking pool.
    Blocking(SyncCall),
    /// A `fn` inside the dispatch.
    Now(SyncCall),
    /// A function that asks providers for its parameters, in the delivery's task.
    With {
        #[doc(hidden)]
        call: ProvidedCall,
        /// Whether some of the values are made for the call.
        #[doc(hidden)]
        per_call: bool,
        #[doc(hidden)]
        is_async: bool,
    },
}

impl Call {
    /// A `fn` that asks providers: in place, unless values must be made for it.
    #[must_use]
    pub const fn in_place(call: SyncCall, with: ProvidedCall, per_call: bool) -> Self {
        if per_call { Self::With { call: with, per_call, is_async: false } } else { Self::Sync(call) }
    }

    pub(crate) fn keyword(self) -> &'static str {
        match self {
            Self::Async(_) | Self::With { is_async: true, .. } => "async",
            Self::Sync(_) | Self::With { .. } => "sync",
            Self::Blocking(_) => "blocking",
            Self::Now(_) => "now",
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.keyword())
    }
}

/// What the macro says about a function: one value per attribute, in the link table.
#[derive(Debug)]
pub struct HandlerDecl {
    /// The type that the function alone has, by which it is found when it is given as a value.
    #[doc(hidden)]
    pub id: TypeId,
    #[doc(hidden)]
    pub site: Site,
    /// The type of the first parameter, as it was written.
    #[doc(hidden)]
    pub payload: &'static str,
    /// Empty when the handler takes every event that its first parameter accepts.
    #[doc(hidden)]
    pub patterns: &'static [&'static str],
    #[doc(hidden)]
    pub accepts: Accepts,
    #[doc(hidden)]
    pub order: i32,
    #[doc(hidden)]
    pub timeout: Option<Duration>,
    #[doc(hidden)]
    pub group: Option<&'static str>,
    #[doc(hidden)]
    pub batch: Option<BatchLimits>,
    #[doc(hidden)]
    pub call: Call,
    /// Whether the payload must be stored as an `Arc`.
    #[doc(hidden)]
    pub shared: bool,
    /// Whether the event is the only parameter.
    #[doc(hidden)]
    pub bare: bool,
    #[doc(hidden)]
    pub signature: fn(&mut Signature),
}

impl HandlerDecl {
    pub(crate) fn takes_name(&self, name: &str) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| crate::Pattern::new(pattern).matches(name))
    }

    pub(crate) fn signature(&self) -> Signature {
        let mut signature = Signature::default();
        (self.signature)(&mut signature);
        signature
    }

    /// What functions run by: `order`, then the place of declaration, which does not depend on the linker.
    pub(crate) fn sort_key(&self) -> impl Ord + use<> {
        let Site { name, place } = self.site;
        (self.order, place.krate(), place.module, place.file, place.line, name)
    }
}

inventory::collect!(HandlerDecl);

/// A handler of a lifespan: a function of the link table, or a closure that the builder was given.
#[derive(Clone)]
pub(crate) enum Handler {
    Declared(&'static HandlerDecl),
    /// A function that takes batches.
    Batched(Arc<Bucket>),
    Closure(Arc<ClosureHandler>),
}

/// A closure that the builder was given.
pub(crate) struct ClosureHandler {
    site: Site,
    accepts: Accepts,
    /// Absent when it takes every event that its parameter accepts.
    pattern: Option<String>,
    emits: fn(&mut Signature),
    pub(crate) call: Box<dyn for<'a> Fn(Context<'a>) -> Running<'a> + Send + Sync>,
}

impl ClosureHandler {
    pub(crate) fn new(
        site: Site,
        accepts: Accepts,
        pattern: Option<String>,
        emits: fn(&mut Signature),
        call: impl for<'a> Fn(Context<'a>) -> Running<'a> + Send + Sync + 'static,
    ) -> Self {
        Self { site, accepts, pattern, emits, call: Box::new(call) }
    }

    pub(crate) fn part(&self) -> ClosurePart {
        let &Self { site, accepts, ref pattern, emits, .. } = self;
        ClosurePart { site, accepts, pattern: pattern.clone(), emits }
    }
}

impl Handler {
    pub(crate) fn site(&self) -> &Site {
        match self {
            Self::Declared(decl) => &decl.site,
            Self::Batched(bucket) => &bucket.handler.site,
            Self::Closure(closure) => &closure.site,
        }
    }

    pub(crate) fn order(&self) -> i32 {
        match self {
            Self::Declared(decl) => decl.order,
            Self::Batched(bucket) => bucket.handler.order,
            Self::Closure(_) => 0,
        }
    }

    pub(crate) fn timeout(&self) -> Option<Duration> {
        match self {
            Self::Declared(decl) => decl.timeout,
            // The time-out is for the call, and not for those who wait for it.
            Self::Batched(_) | Self::Closure(_) => None,
        }
    }

    /// The type of event that it takes; `None` when it takes any.
    pub(crate) fn payload_type(&self) -> Option<&'static EventDecl> {
        match self {
            Self::Declared(decl) => decl.accepts.payload_type(),
            Self::Batched(bucket) => bucket.handler.accepts.payload_type(),
            Self::Closure(closure) => closure.accepts.payload_type(),
        }
    }

    pub(crate) fn takes_name(&self, name: &str) -> bool {
        match self {
            Self::Declared(decl) => decl.takes_name(name),
            Self::Batched(bucket) => bucket.handler.takes_name(name),
            Self::Closure(closure) => {
                closure.pattern.as_ref().is_none_or(|pattern| crate::Pattern::new(pattern).matches(name))
            }
        }
    }

    /// Whether it takes the payload as an `Arc`.
    pub(crate) fn is_shared(&self) -> bool {
        match self {
            Self::Declared(decl) => decl.shared,
            Self::Batched(_) => false,
            Self::Closure(closure) => matches!(closure.accepts, Accepts::Type(_)),
        }
    }

    /// The call inside the dispatch, where it is a `now` handler, and whether the payload in place is all that it needs.
    pub(crate) fn now(&self) -> Option<(SyncCall, bool)> {
        match self {
            Self::Declared(HandlerDecl { call: Call::Now(call), bare, shared, accepts, .. }) => {
                Some((*call, *bare && !shared && matches!(accepts, Accepts::Type(_))))
            }
            Self::Declared(_) | Self::Batched(_) | Self::Closure(_) => None,
        }
    }

    /// The call in the delivery's task, where it is one that ends before it returns.
    pub(crate) fn at_once(&self) -> Option<SyncCall> {
        match self {
            Self::Declared(HandlerDecl { call: Call::Sync(call), .. }) => Some(*call),
            Self::Declared(_) | Self::Batched(_) | Self::Closure(_) => None,
        }
    }

    /// Whether it can wait, and so counts among the handlers at work.
    pub(crate) fn can_wait(&self) -> bool {
        // What waits for its batch is not at work.
        !matches!(self, Self::Batched(_) | Self::Declared(HandlerDecl { call: Call::Sync(_) | Call::Now(_), .. }))
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.site(), f)
    }
}
