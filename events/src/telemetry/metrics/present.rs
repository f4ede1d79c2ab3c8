//! Handles of the `metrics` facade, which are looked up once.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use metrics::{Counter, Gauge, Histogram, Unit};

use crate::any::Subject;
use crate::call::Ended;
use crate::dispatch::DispatchError;
use crate::failure::Failure;
use crate::handler::HandlerDecl;
use crate::place::Site;
use crate::registry::Registry;
use crate::source::Settlement;

/// What stands for all names that no type has: there may be any number of them.
const OTHER: &str = "_other";

/// Measures from when it was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    fn read(self) -> Duration {
        self.0.elapsed()
    }
}

/// What a lifespan counts.
pub(crate) struct Meters {
    /// At the slot of each name, as routes are; the last one is for names that no type has.
    events: Box<[EventMeters]>,
    handlers: HashMap<Site, HandlerMeters>,
    pending: Gauge,
    in_flight: Gauge,
}

struct EventMeters {
    dispatched: Counter,
    delivered: Counter,
    delivery: Histogram,
}

struct HandlerMeters {
    run: Histogram,
    batch: Option<Histogram>,
}

/// A handler at work, until it is dropped.
#[derive(Debug)]
pub(crate) struct AtWork(Gauge);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

impl EventMeters {
    fn of(event: &'static str) -> Self {
        Self {
            dispatched: metrics::counter!("events_dispatched_total", "event" => event),
            delivered: metrics::counter!("events_delivered_total", "event" => event),
            delivery: metrics::histogram!("events_delivery_seconds", "event" => event),
        }
    }
}

impl HandlerMeters {
    fn of(site: Site, is_batched: bool) -> Self {
        let handler = site.label();
        Self {
            batch: is_batched.then(|| metrics::histogram!("events_batch_size", "handler" => handler.clone())),
            run: metrics::histogram!("events_handler_seconds", "handler" => handler),
        }
    }
}

impl Meters {
    pub(crate) fn new(
        registry: &Registry,
        functions: &[&'static HandlerDecl],
        closures: impl Iterator<Item = Site>,
    ) -> Self {
        describe();
        let names = registry.events.iter().flat_map(|decl| decl.names).copied();
        let declared = functions.iter().map(|decl| (decl.site, HandlerMeters::of(decl.site, decl.batch.is_some())));
        let closures = closures.map(|site| (site, HandlerMeters::of(site, false)));
        Self {
            events: names.chain([OTHER]).map(EventMeters::of).collect(),
            handlers: declared.chain(closures).collect(),
            pending: metrics::gauge!("events_pending"),
            in_flight: metrics::gauge!("events_in_flight"),
        }
    }

    fn event(&self, subject: &Subject) -> Option<&EventMeters> {
        match subject {
            Subject::Declared { decl, variant } => self.events.get(decl.slot.get()? + variant),
            Subject::Unknown { .. } => self.events.last(),
        }
    }

    pub(crate) fn dispatched(&self, subject: &Subject) {
        if let Some(event) = self.event(subject) {
            event.dispatched.increment(1);
        }
    }

    pub(crate) fn refused(error: &DispatchError) {
        let event = error.event().and_then(|name| Registry::get().real_name(name)).unwrap_or(OTHER);
        metrics::counter!("events_refused_total", "event" => event, "reason" => error.kind()).increment(1);
    }

    pub(crate) fn delivered(&self, subject: &Subject, begun: Stopwatch) {
        if let Some(event) = self.event(subject) {
            event.delivered.increment(1);
            event.delivery.record(begun.read());
        }
    }

    pub(crate) fn at_work(&self) -> AtWork {
        self.in_flight.increment(1.0);
        AtWork(self.in_flight.clone())
    }

    pub(crate) fn ran(&self, ended: &Ended<'_>) {
        if let Some(handler) = self.handlers.get(ended.site) {
            handler.run.record(ended.duration);
        }
    }

    pub(crate) fn batch(&self, site: Site, events: usize) {
        if let Some(batch) = self.handlers.get(&site).and_then(|handler| handler.batch.as_ref()) {
            batch.record(number(events));
        }
    }

    pub(crate) fn failed(failure: &Failure) {
        let (handler, kind) = (failure.site().label(), failure.cause().kind());
        metrics::counter!("events_failed_total", "handler" => handler, "kind" => kind).increment(1);
    }

    pub(crate) fn took(&self, places: usize) {
        self.pending.increment(number(places));
    }

    pub(crate) fn gave_back(&self, places: usize) {
        self.pending.decrement(number(places));
    }
}

/// What a lifespan counts of a sink.
pub(crate) struct SinkMeters {
    sent: Counter,
    failed: Counter,
    attempt: Histogram,
}

impl SinkMeters {
    pub(crate) fn new(sink: &str) -> Self {
        let sent = |outcome: &'static str| metrics::counter!("events_sink_sent_total", "sink" => sink.to_owned(), "outcome" => outcome);
        Self {
            sent: sent("ok"),
            failed: sent("error"),
            attempt: metrics::histogram!("events_sink_seconds", "sink" => sink.to_owned()),
        }
    }

    pub(crate) fn tried(&self, events: usize, failed: usize, begun: Stopwatch) {
        self.sent.increment(events.saturating_sub(failed) as u64);
        self.failed.increment(failed as u64);
        self.attempt.record(begun.read());
    }
}

/// What a lifespan counts of a source.
pub(crate) struct SourceMeters {
    received: Counter,
    settled: [Counter; 3],
    lag: Histogram,
    lost: Counter,
    connected: Gauge,
}

impl SourceMeters {
    pub(crate) fn new(source: &str) -> Self {
        let source = || source.to_owned();
        let settled = |settlement: Settlement| {
            let settlement = settlement.to_string();
            metrics::counter!("events_source_settled_total", "source" => source(), "settlement" => settlement)
        };
        Self {
            received: metrics::counter!("events_source_received_total", "source" => source()),
            settled: [Settlement::Ack, Settlement::Requeue, Settlement::Reject].map(settled),
            lag: metrics::histogram!("events_source_lag_seconds", "source" => source()),
            lost: metrics::counter!("events_source_reconnects_total", "source" => source()),
            connected: metrics::gauge!("events_source_connected", "source" => source()),
        }
    }

    pub(crate) fn received(&self) {
        self.received.increment(1);
    }

    /// An event is so much older than its arrival.
    pub(crate) fn arrived(&self, dispatched: Option<SystemTime>) {
        if let Some(lag) = dispatched.and_then(|time| time.elapsed().ok()) {
            self.lag.record(lag);
        }
    }

    pub(crate) fn settled(&self, settlement: Settlement) {
        let [ack, requeue, reject] = &self.settled;
        let counter = match settlement {
            Settlement::Ack => ack,
            Settlement::Requeue => requeue,
            Settlement::Reject => reject,
        };
        counter.increment(1);
    }

    pub(crate) fn connected(&self, is_connected: bool) {
        self.connected.set(if is_connected { 1.0 } else { 0.0 });
    }

    pub(crate) fn lost(&self) {
        self.lost.increment(1);
    }
}

#[expect(clippy::cast_precision_loss, reason = "past 2^52 nobody counts one by one")]
fn number(count: usize) -> f64 {
    count as f64
}

fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_counter!("events_dispatched_total", Unit::Count, "events that were accepted");
    describe_counter!("events_refused_total", Unit::Count, "events that were not accepted");
    describe_counter!("events_delivered_total", Unit::Count, "events whose handlers have all ended");
    describe_counter!(
        "events_failed_total",
        Unit::Count,
        "runs of handlers and hooks, and events of sinks, that failed"
    );
    describe_gauge!("events_pending", Unit::Count, "events, and failures for hooks, that wait for their delivery");
    describe_gauge!("events_in_flight", Unit::Count, "handlers and hooks at work");
    describe_histogram!(
        "events_delivery_seconds",
        Unit::Seconds,
        "from an event's first handler to its last one's end"
    );
    describe_histogram!("events_handler_seconds", Unit::Seconds, "one run of a handler");
    describe_histogram!("events_batch_size", Unit::Count, "events in one batch");
    describe_counter!(
        "events_sink_sent_total",
        Unit::Count,
        "events that a sink was asked to send, by what came of it"
    );
    describe_histogram!("events_sink_seconds", Unit::Seconds, "one attempt of a sink");
    describe_counter!("events_source_received_total", Unit::Count, "messages that came in");
    describe_counter!("events_source_settled_total", Unit::Count, "messages that were settled");
    describe_histogram!("events_source_lag_seconds", Unit::Seconds, "from an event's time to its arrival");
    describe_counter!("events_source_reconnects_total", Unit::Count, "connections that were lost or could not be made");
    describe_gauge!("events_source_connected", Unit::Count, "1 where the source is connected, else 0");
}

macro_rules! opaque {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

opaque!(Meters, SinkMeters, SourceMeters);
