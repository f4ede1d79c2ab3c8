//! The sinks of a lifespan, and which events go there.

use std::any::type_name_of_val;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::settings::Settings;
use super::{IntoSink, Sink, SinkError};
use crate::envelope::Envelope;
use crate::flow::SinkPart;
use crate::lifespan::{Attempts, SinkHealth};
use crate::pattern::Pattern;
use crate::place::Site;
use crate::telemetry::{Destination, SinkMeters, public};

/// A sink whose type is forgotten.
pub(super) trait AnySink: Send + Sync {
    fn send_many<'a>(&'a self, envelopes: &'a [Envelope]) -> BoxFuture<'a, Vec<Result<(), SinkError>>>;
    fn max_batch(&self) -> usize;
    fn leads_only_to(&self, name: &str, address: &str) -> bool;
    fn destination(&self, envelope: &Envelope) -> Destination;
    fn close(&self) -> BoxFuture<'_, Result<(), SinkError>>;
}

impl<S: Sink> AnySink for S {
    fn send_many<'a>(&'a self, envelopes: &'a [Envelope]) -> BoxFuture<'a, Vec<Result<(), SinkError>>> {
        Box::pin(Sink::send_many(self, envelopes))
    }

    fn max_batch(&self) -> usize {
        Sink::max_batch(self)
    }

    fn leads_only_to(&self, name: &str, address: &str) -> bool {
        // Who cannot say where it goes has it sent.
        catch_unwind(AssertUnwindSafe(|| Sink::leads_only_to(self, name, address))).unwrap_or_default()
    }

    fn destination(&self, envelope: &Envelope) -> Destination {
        // The user's closures are asked, and a trace is no reason to fail.
        catch_unwind(AssertUnwindSafe(|| Sink::destination(self, envelope))).unwrap_or_default()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(Sink::close(self))
    }
}

/// A sink of a lifespan.
pub(crate) struct Outlet {
    pub(crate) site: Site,
    pub(crate) pattern: String,
    /// What spans and metrics call it.
    pub(crate) label: Arc<str>,
    /// Whether it says itself what it is called.
    is_labelled: bool,
    type_name: &'static str,
    pub(super) sink: Box<dyn AnySink>,
    pub(super) settings: Settings,
    pub(super) meters: SinkMeters,
    pub(super) attempts: Attempts,
}

impl Outlet {
    pub(crate) fn new(site: Site, pattern: String, sink: impl IntoSink) -> Self {
        let (sink, settings) = sink.into_parts().split();
        let (label, type_name) = (sink.label(), type_name_of_val(&sink));
        let is_labelled = label.is_some();
        let label = label.map_or_else(|| site.place.to_string(), |label| public(&label));
        let (meters, attempts) = (SinkMeters::new(&label), Attempts::default());
        let (label, sink) = (label.into(), Box::new(sink));
        Self { site, pattern, label, is_labelled, type_name, sink, settings, meters, attempts }
    }

    pub(crate) fn part(&self) -> SinkPart {
        let label = self.is_labelled.then(|| self.label.to_string());
        SinkPart {
            site: self.site,
            pattern: self.pattern.clone(),
            label,
            type_name: self.type_name,
            only: self.is_only(),
        }
    }

    pub(crate) fn health(&self) -> SinkHealth {
        SinkHealth::new(&self.label, self.site.place, &self.attempts)
    }

    pub(crate) fn takes_name(&self, name: &str) -> bool {
        Pattern::new(&self.pattern).matches(name)
    }

    /// Whether it has nowhere to send an event of this name to but where it came from, and is not to send it there. Where no
    /// handler gets the event either, somebody must be told: it is sent, and refused when it has come too often.
    pub(crate) fn leads_back(&self, name: &str, from: &str) -> bool {
        !self.settings.also_back && !self.is_only() && self.sink.leads_only_to(name, from)
    }

    /// Whether nobody would get what comes from an address under this name.
    pub(crate) fn keeps_all(&self, name: &str, from: &str) -> bool {
        self.is_only() && !self.settings.also_back && self.sink.leads_only_to(name, from)
    }

    /// Whether no handler gets what it gets.
    pub(crate) fn is_only(&self) -> bool {
        self.settings.only
    }

    /// How many events go together.
    pub(super) fn batch(&self) -> usize {
        let own = self.sink.max_batch().max(1);
        self.settings.batch.map_or(own, |batch| batch.min(own))
    }
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlet")
            .field("site", &self.site)
            .field("pattern", &self.pattern)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// The sinks of a lifespan.
#[derive(Debug, Default)]
pub(crate) struct Outlets(pub(crate) Vec<Outlet>);

impl Outlets {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Which of them an event goes to, and whether it goes to nobody else.
    pub(crate) fn of(&self, name: &str) -> (Box<[usize]>, bool) {
        let matching = || self.0.iter().enumerate().filter(|(_, outlet)| outlet.takes_name(name));
        let only = matching().any(|(_, outlet)| outlet.settings.only);
        (matching().map(|(index, _)| index).collect(), only)
    }
}
