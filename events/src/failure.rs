//! What is known about a handler that did not do its work.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::any::AnyEvent;
use crate::error::BoxError;
use crate::handler::HandlerDecl;
use crate::place::Place;

/// A handler that failed on an event: never silent, and never a reason for another handler not to run.
///
/// Cloning it is cheap.
#[derive(Clone)]
pub struct Failure {
    inner: Arc<Inner>,
}

struct Inner {
    event: AnyEvent,
    handler: &'static HandlerDecl,
    cause: FailureCause,
    duration: Duration,
}

/// What went wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum FailureCause {
    /// The handler, or one of its parameters, answered with an error, or an event that it returned was refused.
    Error(BoxError),
    /// The handler panicked with this text.
    Panic(String),
    /// The handler took longer than its `timeout`.
    Timeout(Duration),
}

impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => write!(f, "{error}"),
            Self::Panic(text) => write!(f, "it panicked: {text}"),
            Self::Timeout(limit) => write!(f, "it took longer than its time-out of {limit:?}"),
        }
    }
}

impl Failure {
    pub(crate) fn new(
        event: &AnyEvent,
        handler: &'static HandlerDecl,
        cause: FailureCause,
        duration: Duration,
    ) -> Self {
        Self { inner: Arc::new(Inner { event: event.clone(), handler, cause, duration }) }
    }

    /// The event that was handled.
    pub fn event(&self) -> &AnyEvent {
        &self.inner.event
    }

    /// The path of the handler's function: `my_app::billing::charge`.
    pub fn handler(&self) -> String {
        self.inner.handler.path()
    }

    /// Where the handler is declared.
    pub fn place(&self) -> Place {
        self.inner.handler.place
    }

    /// What went wrong.
    pub fn cause(&self) -> &FailureCause {
        &self.inner.cause
    }

    /// Which attempt it was, counted from 1. Handlers are not run again by themselves, so that this is 1.
    pub fn attempt(&self) -> u32 {
        1
    }

    /// How long the handler had run.
    pub fn duration(&self) -> Duration {
        self.inner.duration
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "handler `{}` ({}) failed on `{}`: {}",
            self.handler(),
            self.place(),
            self.event().name(),
            self.cause()
        )
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("event", self.event())
            .field("handler", &self.handler())
            .field("place", &self.place())
            .field("cause", self.cause())
            .field("duration", &self.duration())
            .finish()
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.cause() {
            FailureCause::Error(error) => Some(&**error),
            FailureCause::Panic(_) | FailureCause::Timeout(_) => None,
        }
    }
}

/// The text of a panic, where it has one.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a text").to_owned()
}
