//! What can be said about a sink where it is given to a lifespan.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Sink, SinkError};
use crate::attempts::OnAttempt;
use crate::backoff::Backoff;

/// How a lifespan uses a sink.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(super) only: bool,
    pub(super) also_back: bool,
    pub(super) batch: Option<usize>,
    pub(super) attempts: u32,
    pub(super) backoff: Backoff,
    pub(super) timeout: Duration,
    pub(super) on_attempt: OnAttempt<SinkError>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            only: false,
            also_back: false,
            batch: None,
            attempts: 5,
            backoff: Backoff::default(),
            timeout: Duration::from_secs(30),
            on_attempt: OnAttempt::default(),
        }
    }
}

/// A sink with settings: what [`SinkExt`] makes of one.
#[must_use = "it is given to `LifespanBuilder::sink`"]
pub struct ConfiguredSink<S> {
    sink: S,
    settings: Settings,
}

impl<S> fmt::Debug for ConfiguredSink<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfiguredSink").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What [`LifespanBuilder::sink`](crate::LifespanBuilder::sink) takes: a [`Sink`], with settings or without.
pub trait IntoSink {
    /// The sink.
    type Sink: Sink;

    #[doc(hidden)]
    fn into_parts(self) -> ConfiguredSink<Self::Sink>;
}

impl<S: Sink> IntoSink for S {
    type Sink = S;

    fn into_parts(self) -> ConfiguredSink<S> {
        ConfiguredSink { sink: self, settings: Settings::default() }
    }
}

impl<S: Sink> IntoSink for ConfiguredSink<S> {
    type Sink = S;

    fn into_parts(self) -> Self {
        self
    }
}

impl<S> ConfiguredSink<S> {
    pub(crate) fn split(self) -> (S, Settings) {
        (self.sink, self.settings)
    }
}

/// Settings of a sink, one after another: `sink.only().attempts(3)`.
///
/// # Examples
///
/// ```
/// use events::{Echo, Lifespan, SinkExt as _};
/// use std::time::Duration;
///
/// let builder = Lifespan::builder()
///     .sink("order-*", Echo::stdout().only())
///     .sink("*", Echo::stderr().attempts(3).backoff(Duration::from_secs(1)..=Duration::from_mins(1)));
/// # drop(builder);
/// ```
pub trait SinkExt: IntoSink + Sized {
    /// Sends the events elsewhere instead of handling them here: where the pattern matches, no handler of this lifespan is
    /// called.
    fn only(self) -> ConfiguredSink<Self::Sink> {
        with(self, |settings| settings.only = true)
    }

    /// Sends an event also back to where it came from. Without it, what came from a [source](crate::Source) of the lifespan is
    /// not sent to that same place, as far as the sink [knows](Sink::leads_only_to) where it sends to. What goes in a circle is
    /// refused, and settled as [invalid](crate::SourceExt::on_invalid), when it has been sent on
    /// [too often](crate::LifespanBuilder::max_hops).
    fn also_back(self) -> ConfiguredSink<Self::Sink> {
        with(self, |settings| settings.also_back = true)
    }

    /// Sends at most so many events together; at least 1. The sink's own [`max_batch`](Sink::max_batch) is never passed.
    fn batch(self, events: usize) -> ConfiguredSink<Self::Sink> {
        with(self, |settings| settings.batch = Some(events.max(1)))
    }

    /// How often an event is tried; at least 1. The default is 5, with pauses as [`backoff`](Self::backoff) says.
    fn attempts(self, attempts: u32) -> ConfiguredSink<Self::Sink> {
        with(self, |settings| settings.attempts = attempts.max(1))
    }

    /// How long the pauses between two attempts are: from the first one on, each is about twice as long as the one before, up
    /// to the longest one, with jitter that stays within these bounds. The default is 100 ms to 10 s. A pause has at least 1 ms,
    /// and a longest one that is shorter than the first is as long as the first.
    fn backoff(self, pauses: RangeInclusive<Duration>) -> ConfiguredSink<Self::Sink> {
        with(self, |settings| settings.backoff = pauses.into())
    }

    /// How long one attempt may take. The default is 30 s.
    fn timeout(self, limit: Duration) -> ConfiguredSink<Self::Sink> {
        with(self, |settings| settings.timeout = limit)
    }

    /// Has a closure told of each attempt to send that failed, for some event at least, with the first error and with the number of
    /// the attempt, counted from 1. It is called before the pause, and should be short.
    fn on_attempt(self, told: impl Fn(&SinkError, u32) + Send + Sync + 'static) -> ConfiguredSink<Self::Sink> {
        with(self, |settings| settings.on_attempt = OnAttempt::new(told))
    }
}

impl<S: IntoSink> SinkExt for S {}

fn with<S: IntoSink>(sink: S, set: impl FnOnce(&mut Settings)) -> ConfiguredSink<S::Sink> {
    let mut to = sink.into_parts();
    set(&mut to.settings);
    to
}
