//! What `#[on]` declares about a function, and how the function is called.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::context::{Context, Signature};
use crate::error::BoxError;
use crate::event::EventDecl;
use crate::extract::Accepts;
use crate::place::Place;

/// How a call ended: everything that the handler returned has been dispatched, or something went wrong.
pub type Outcome = Result<(), BoxError>;
/// A call that has begun.
pub type Running<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

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
}

impl Call {
    pub(crate) fn keyword(self) -> &'static str {
        match self {
            Self::Async(_) => "async",
            Self::Sync(_) => "sync",
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

/// What the macro says about a handler: one value per `#[on]`, in the link table.
#[derive(Debug)]
pub struct HandlerDecl {
    #[doc(hidden)]
    pub name: &'static str,
    #[doc(hidden)]
    pub place: Place,
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
    /// The path of the function: `my_app::billing::charge`.
    pub(crate) fn path(&self) -> String {
        format!("{}::{}", self.place.module, self.name)
    }

    pub(crate) fn payload_type(&self) -> Option<&'static EventDecl> {
        match self.accepts {
            Accepts::Type(decl) => Some(decl()),
            Accepts::Every | Accepts::View => None,
        }
    }

    /// Whether the payload in place is all that the call needs.
    pub(crate) fn takes_payload_alone(&self) -> bool {
        self.bare && !self.shared && matches!(self.accepts, Accepts::Type(_))
    }

    pub(crate) fn takes_name(&self, name: &str) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| crate::Pattern::new(pattern).matches(name))
    }

    pub(crate) fn signature(&self) -> Signature {
        let mut signature = Signature::default();
        (self.signature)(&mut signature);
        signature
    }

    /// What handlers run by: `order`, then the place of declaration, which does not depend on the linker.
    pub(crate) fn sort_key(&self) -> (i32, &'static str, &'static str, &'static str, u32, &'static str) {
        (self.order, self.place.krate(), self.place.module, self.place.file, self.place.line, self.name)
    }
}

inventory::collect!(HandlerDecl);
