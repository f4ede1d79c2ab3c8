//! What is known about a handler that did not do its work.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::any::AnyEvent;
use crate::call::Ended;
use crate::error::{BoxError, text_of};
use crate::place::{Place, Site};

/// A function that did not do its work: a handler, mostly. Never silent, and never a reason for another one not to run.
///
/// Every failure is logged through `tracing`, counted, and given to every `#[on(failure)]` hook.
/// Cloning it is cheap.
///
/// # Examples
///
/// ```
/// use events::{Failure, on};
///
/// #[on(failure)]
/// fn report(failure: &Failure) {
///     eprintln!("{failure}");
/// }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Failure {
    inner: Arc<Inner>,
}

struct Inner {
    event: Option<AnyEvent>,
    site: Site,
    cause: FailureCause,
    attempt: u32,
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
    /// The handler failed on a [`Batch`](crate::Batch) that the event was in, with this text. The failure of the batch's first
    /// event tells of it, to the log and to the hooks as well.
    InBatch(String),
    /// The lifespan was forced to end while the handler was at work.
    Aborted,
}

impl FailureCause {
    /// One word for it, of which there are few: `error`, `panic`, `timeout`, `in_batch`, `aborted`. Spans and metrics have it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Error(_) => "error",
            Self::Panic(_) => "panic",
            Self::Timeout(_) => "timeout",
            Self::InBatch(_) => "in_batch",
            Self::Aborted => "aborted",
        }
    }
}

impl fmt::Display for FailureCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => f.write_str(&text_of(error)),
            Self::Panic(text) => write!(f, "it panicked: {text}"),
            Self::Timeout(limit) => write!(f, "it took longer than its time-out of {limit:?}"),
            Self::InBatch(text) => write!(f, "its batch failed: {text}"),
            Self::Aborted => f.write_str("it was at work when the lifespan was forced to end"),
        }
    }
}

impl Failure {
    /// The failure of a call that has one.
    pub(crate) fn of(event: Option<&AnyEvent>, ended: Ended<'_>) -> Option<Self> {
        let Ended { site, failed, duration } = ended;
        let of = |cause| Inner { event: event.cloned(), site: *site, cause, attempt: 1, duration };
        failed.map(|cause| Self { inner: Arc::new(of(cause)) })
    }

    /// The failure of a call without an event that was not waited for to its end.
    pub(crate) fn of_interruption(site: Site, cause: FailureCause, duration: Duration) -> Self {
        Self { inner: Arc::new(Inner { event: None, site, cause, attempt: 1, duration }) }
    }

    /// The failure of a sink.
    pub(crate) fn of_sink(
        event: Option<&AnyEvent>,
        site: Site,
        cause: FailureCause,
        attempt: u32,
        duration: Duration,
    ) -> Self {
        Self { inner: Arc::new(Inner { event: event.cloned(), site, cause, attempt, duration }) }
    }

    /// The event that was handled; none for hooks and periodic functions.
    pub fn event(&self) -> Option<&AnyEvent> {
        self.inner.event.as_ref()
    }

    /// The path of the function: `my_app::billing::charge`. A closure has none, and is called `closure`; a sink is called `sink`.
    pub fn handler(&self) -> String {
        self.inner.site.path()
    }

    /// Where the function is declared.
    pub fn place(&self) -> Place {
        self.inner.site.place
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn site(&self) -> Site {
        self.inner.site
    }

    /// What went wrong.
    pub fn cause(&self) -> &FailureCause {
        &self.inner.cause
    }

    /// Which attempt it was, counted from 1. Sinks try again; handlers are not run again by themselves, so that theirs is 1.
    pub fn attempt(&self) -> u32 {
        self.inner.attempt
    }

    /// How long the handler had run.
    pub fn duration(&self) -> Duration {
        self.inner.duration
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.inner.site)?;
        if let Some(event) = self.event() {
            write!(f, " on `{}`", event.name())?;
        }
        write!(f, ": {}", self.cause())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("event", &self.event())
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
            FailureCause::Panic(_) | FailureCause::Timeout(_) | FailureCause::InBatch(_) | FailureCause::Aborted => {
                None
            }
        }
    }
}

/// The text of a panic, where it has one.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a text").to_owned()
}
