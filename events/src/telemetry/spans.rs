//! The spans of `tracing`: their names, levels and fields are part of what is promised, in `docs::telemetry`.
//!
//! Their target is `events`. Those around code of the user are of level INFO, and so are those that tell one event's way;
//! what is in between is of level DEBUG.

use std::fmt;

use tracing::field::{Empty, display};
use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing::{Level, Span, debug_span, info_span};

use crate::any::AnyEvent;
use crate::context::{About, Context};
use crate::delivery::Delivery;
use crate::failure::FailureCause;
use crate::lifespan::Lifespan;
use crate::metadata::EventId;
use crate::place::Site;
use crate::source::Settlement;
use crate::telemetry::Trace;

/// How many of a batch's events its span is linked to, as OpenTelemetry's own limit has it.
const MAX_LINKS: usize = 128;

/// A span that is there if somebody looks. It is on the heap, since it is moved with what goes on in it, and mostly is not there.
#[derive(Debug, Default)]
pub(crate) struct Seen(Option<Box<Span>>);

impl Seen {
    fn new(span: Span) -> Self {
        Self((!span.is_disabled()).then(|| Box::new(span)))
    }

    /// The span, for what comes after it.
    pub(crate) fn into_span(self) -> Option<Span> {
        self.0.map(|span| *span)
    }

    /// Surrounds the caller until the guard is dropped.
    #[inline]
    pub(crate) fn enter(&self) -> Option<tracing::span::Entered<'_>> {
        self.0.as_ref().map(|span| span.enter())
    }

    /// The span, for futures that are in it.
    pub(crate) fn span(&self) -> Option<&Span> {
        self.0.as_deref()
    }

    /// Says which trace an event was sent in that has come in by itself. Where no span is around it, that trace goes on.
    pub(crate) fn sent_in(&self, trace: &Trace) {
        let Some(span) = &self.0 else { return };
        if Trace::current().is_none() {
            trace.adopt(span);
        }
        trace.link(span);
    }

    /// Says which event it is about.
    pub(crate) fn is_about(&self, id: &EventId) {
        if let Some(span) = &self.0 {
            span.record("id", display(id));
        }
    }

    /// Says how it went.
    #[inline]
    pub(crate) fn ended(&self, outcome: &'static str) {
        if let Some(span) = &self.0 {
            ended(span, outcome);
        }
    }

    /// Says what became of an event.
    #[inline]
    pub(crate) fn delivered(&self, delivery: &Delivery) {
        self.ended(delivery.outcome());
    }

    /// Says how a call went.
    pub(crate) fn called(&self, failed: Option<&FailureCause>) {
        if self.0.is_some() {
            self.ended(failed.map_or(OK, FailureCause::kind));
        }
    }
}

/// The number of a lifespan, as its events' identities begin with it.
struct Id<'a>(&'a Lifespan);

impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0.core().id)
    }
}

/// A scope, from its beginning to the end of its work.
#[inline]
pub(crate) fn scope(lifespan: &Lifespan) -> Seen {
    where_seen(|| {
        let number = lifespan.core().next_scope();
        info_span!(target: "events", "scope", lifespan = %Id(lifespan), scope = number)
    })
}

/// Whether somebody may look at spans of level INFO. Without a subscriber it is a look at a number; with one, each span is
/// asked for by its own name and fields, which filters may be about. To ask about a span that does not follow would have layers
/// with filters of their own leave out what comes next.
#[inline]
pub(crate) fn are_seen() -> bool {
    Level::INFO <= STATIC_MAX_LEVEL && Level::INFO <= LevelFilter::current()
}

/// A span, where somebody may look at one. Mostly nobody does, and that is to cost a look at a number.
#[inline]
fn where_seen(span: impl FnOnce() -> Span) -> Seen {
    #[cold]
    #[inline(never)]
    fn made(span: impl FnOnce() -> Span) -> Seen {
        Seen::new(span())
    }
    if are_seen() { made(span) } else { Seen::default() }
}

/// A call of `dispatch`: the checks, and the `now` handlers.
pub(crate) fn dispatch(event: &str) -> Seen {
    Seen::new(info_span!(
        target: "events", "dispatch", event, id = Empty, outcome = Empty, "error.type" = Empty, "otel.status_code" = Empty
    ))
}

/// An event on its way through its handlers. It stands in the trace where the event was dispatched.
#[inline]
pub(crate) fn delivery(event: &AnyEvent) -> Seen {
    where_seen(|| {
        let span = info_span!(
            target: "events",
            "delivery",
            event = event.name(),
            id = %event.id(),
            cause = event.causation().map(display),
            outcome = Empty,
            "error.type" = Empty,
            "otel.status_code" = Empty
        );
        event.meta().trace.adopt(&span);
        span
    })
}

/// One run of a handler, a hook, or a periodic function.
pub(crate) fn handler(site: Site, context: &Context<'_>) -> Seen {
    if !are_seen() {
        return Seen::default();
    }
    let span = info_span!(
        target: "events",
        "handler",
        handler = site.label(),
        batch = Empty,
        lifespan = Empty,
        outcome = Empty,
        "error.type" = Empty,
        "otel.status_code" = Empty
    );
    if let About::Batch(batch) = context.about {
        span.record("batch", batch.len());
        for collected in batch.iter().take(MAX_LINKS) {
            collected.event.meta().trace.link(&span);
        }
    }
    if let About::Nothing | About::Batch(_) | About::Failure(_) = context.about {
        // It stands in no span that says it.
        span.record("lifespan", display(Id(context.lifespan)));
    }
    Seen::new(span)
}

/// An attempt to send events to a sink.
pub(crate) fn send(sink: &str, events: usize, attempt: u32) -> Span {
    info_span!(
        target: "events",
        "send",
        sink,
        events,
        attempt,
        outcome = Empty,
        "error.type" = Empty,
        "otel.name" = Empty,
        "otel.kind" = Empty,
        "otel.status_code" = Empty
    )
}

/// One event of several that are sent together: OpenTelemetry's conventions give each a span, which goes with it.
pub(crate) fn create(event: &str) -> Span {
    info_span!(target: "events", parent: None, "create", event, "otel.name" = Empty, "otel.kind" = Empty)
}

/// A message of a source, from its arrival to the end of its handlers.
#[inline]
pub(crate) fn process(source: &str, lifespan: &Lifespan) -> Seen {
    where_seen(|| {
        info_span!(
            target: "events",
            "process",
            lifespan = %Id(lifespan),
            source,
            outcome = Empty,
            "error.type" = Empty,
            "otel.name" = Empty,
            "otel.kind" = Empty,
            "otel.status_code" = Empty
        )
    })
}

/// What a source is told about a message.
pub(crate) fn settle(source: &str, settlement: Settlement) -> Seen {
    Seen::new(debug_span!(
        target: "events",
        parent: None,
        "settle",
        source,
        %settlement,
        outcome = Empty,
        "error.type" = Empty,
        "otel.name" = Empty,
        "otel.kind" = Empty,
        "otel.status_code" = Empty
    ))
}

/// A question to a broker whether it has messages.
#[cfg(feature = "sqs")]
pub(crate) fn receive(source: &str) -> Span {
    debug_span!(
        target: "events",
        "receive",
        source,
        messages = Empty,
        outcome = Empty,
        "error.type" = Empty,
        "otel.name" = Empty,
        "otel.kind" = Empty,
        "otel.status_code" = Empty
    )
}

/// The outcome of what went as it should.
pub(crate) const OK: &str = "ok";

/// The outcome of what was not waited for to its end.
pub(crate) const ABORTED: &str = "aborted";

/// The outcome of what took too long.
pub(crate) const TIMEOUT: &str = "timeout";

/// The outcome of what the other side has not done.
pub(crate) fn failed(for_good: bool) -> &'static str {
    if for_good { "refused" } else { "error" }
}

/// Says how what a span stands for went.
pub(crate) fn ended(span: &Span, outcome: &'static str) {
    span.record("outcome", outcome);
    if outcome != OK {
        span.record("error.type", outcome);
        span.record("otel.status_code", "ERROR");
    }
}
