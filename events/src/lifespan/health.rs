//! Whether a lifespan does its work.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::Lifespan;
use super::core::Stage;
use crate::place::Place;
use crate::sink::Outlet;

/// How a lifespan does: what [`Lifespan::health`] answers, of one moment.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{Lifespan, Memory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), events::Error> {
/// let memory = Memory::new();
/// let app = Lifespan::builder().source(memory.source("orders")).start().await?;
/// assert_eq!(app.health().to_string(), "live, not ready: source `memory/orders` is not connected yet");
/// # tokio::task::yield_now().await;
/// assert!(app.health().is_ready());
/// app.shutdown().await?;
/// assert!(!app.health().is_live());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Health {
    phase: Phase,
    pending: usize,
    max_pending: usize,
    sources: Vec<SourceHealth>,
    sinks: Vec<SinkHealth>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Starting,
    Serving,
    Draining,
    Ended,
}

/// How a source does.
#[derive(Clone, Debug)]
pub struct SourceHealth {
    name: String,
    place: Place,
    is_connected: bool,
    last_error: Option<LastError>,
}

/// How a sink does.
#[derive(Clone, Debug)]
pub struct SinkHealth {
    name: String,
    place: Place,
    failed_attempts: u32,
    last_error: Option<LastError>,
}

/// An error, and when it was.
#[derive(Clone, Debug)]
pub struct LastError {
    text: String,
    time: SystemTime,
}

impl Health {
    /// Whether the lifespan has not ended: whoever watches the process need not start it anew.
    pub fn is_live(&self) -> bool {
        self.phase != Phase::Ended
    }

    /// Whether work should come here: every source is connected, the lifespan is not shutting down, and there is room for
    /// events. Sinks have no part in it: what fails there is tried again, and other instances would not do better.
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Serving && !self.is_full() && self.sources.iter().all(SourceHealth::is_connected)
    }

    /// Whether the lifespan is shutting down.
    pub fn is_draining(&self) -> bool {
        self.phase == Phase::Draining
    }

    /// Whether as many events wait for their delivery as may.
    pub fn is_full(&self) -> bool {
        self.pending >= self.max_pending
    }

    /// How many events wait for their delivery, and how many may:
    /// [`LifespanBuilder::max_pending`](crate::LifespanBuilder::max_pending).
    pub fn pending(&self) -> (usize, usize) {
        (self.pending, self.max_pending)
    }

    /// The sources, in the order in which the lifespan was given them. None where dispatch was disabled at the start: nothing
    /// is read then.
    pub fn sources(&self) -> &[SourceHealth] {
        &self.sources
    }

    /// The sinks, in the order in which the lifespan was given them.
    pub fn sinks(&self) -> &[SinkHealth] {
        &self.sinks
    }
}

/// One line: whether it is live, whether it is ready, and what keeps it from that.
impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unready: Vec<_> = self.sources.iter().filter(|source| !source.is_connected).collect();
        match self.phase {
            Phase::Ended => return f.write_str("not live: the lifespan has ended"),
            Phase::Starting => return f.write_str("live, not ready: the lifespan is starting"),
            Phase::Draining => return f.write_str("live, not ready: the lifespan is shutting down"),
            Phase::Serving if unready.is_empty() && !self.is_full() => return f.write_str("live, ready"),
            Phase::Serving => f.write_str("live, not ready: ")?,
        }
        for (index, source) in unready.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "; " })?;
            write!(f, "source `{}` is not connected", source.name)?;
            match &source.last_error {
                Some(error) => write!(f, ": {error}")?,
                None => f.write_str(" yet")?,
            }
        }
        if self.is_full() {
            f.write_str(if unready.is_empty() { "" } else { "; " })?;
            write!(f, "{} events wait for their delivery, as many as may", self.pending)?;
        }
        Ok(())
    }
}

impl SourceHealth {
    pub(crate) fn new(name: &str, place: Place, connection: &Connection) -> Self {
        let state = connection.lock();
        Self { name: name.into(), place, is_connected: state.is_connected, last_error: state.last_error.clone() }
    }

    /// What spans and metrics call it: see [`Source::label`](crate::Source::label).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it was given to the lifespan: two that are called alike have two places.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Whether it is connected. A source that has ended, with its lifespan or before, is not.
    pub fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// Why it was last not connected, also where it is connected again.
    pub fn last_error(&self) -> Option<&LastError> {
        self.last_error.as_ref()
    }
}

impl SinkHealth {
    pub(crate) fn new(name: &str, place: Place, attempts: &Attempts) -> Self {
        let state = attempts.lock();
        Self { name: name.into(), place, failed_attempts: state.failed, last_error: state.last_error.clone() }
    }

    /// What spans and metrics call it: see [`Sink::label`](crate::Sink::label).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it was given to the lifespan: two that are called alike, as the webhooks of one host are, have two places.
    pub fn place(&self) -> Place {
        self.place
    }

    /// How many of its attempts have failed since one did its work; an attempt of which some event failed is one that failed.
    pub fn failed_attempts(&self) -> u32 {
        self.failed_attempts
    }

    /// What was last wrong, also where it does its work again.
    pub fn last_error(&self) -> Option<&LastError> {
        self.last_error.as_ref()
    }
}

impl LastError {
    fn now(text: String) -> Self {
        Self { text, time: SystemTime::now() }
    }

    /// When it was.
    pub fn time(&self) -> SystemTime {
        self.time
    }
}

impl fmt::Display for LastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What is known of the connection of a source.
#[derive(Debug, Default)]
pub(crate) struct Connection(Mutex<ConnectionState>);

#[derive(Debug, Default)]
struct ConnectionState {
    is_connected: bool,
    last_error: Option<LastError>,
}

impl Connection {
    fn lock(&self) -> MutexGuard<'_, ConnectionState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is connected until the guard is dropped.
    pub(crate) fn made(&self) -> Connected<'_> {
        self.lock().is_connected = true;
        Connected(self)
    }

    /// Notes why there is none.
    pub(crate) fn lost(&self, error: String) {
        self.lock().last_error = Some(LastError::now(error));
    }
}

/// That a source is connected.
#[derive(Debug)]
pub(crate) struct Connected<'a>(&'a Connection);

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        self.0.lock().is_connected = false;
    }
}

/// What is known of the attempts of a sink.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<AttemptsState>);

#[derive(Debug, Default)]
struct AttemptsState {
    failed: u32,
    last_error: Option<LastError>,
}

impl Attempts {
    fn lock(&self) -> MutexGuard<'_, AttemptsState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn succeeded(&self) {
        self.lock().failed = 0;
    }

    pub(crate) fn failed(&self, error: String) {
        let mut state = self.lock();
        state.failed = state.failed.saturating_add(1);
        state.last_error = Some(LastError::now(error));
    }
}

impl Lifespan {
    /// How the lifespan does at this moment: whether it is live, whether it is ready, and what was last wrong with its sources
    /// and sinks. Asking is cheap, and waits for nothing.
    ///
    /// `events::health`, with the feature `health`, answers it over HTTP.
    pub fn health(&self) -> Health {
        let core = self.core();
        let phase = match (core.gate.is_open(), core.gate.is_closed()) {
            (true, _) if core.stage.has_reached(Stage::Started) => Phase::Serving,
            (true, _) => Phase::Starting,
            (false, false) => Phase::Draining,
            (false, true) => Phase::Ended,
        };
        Health {
            phase,
            pending: core.pending(),
            max_pending: core.limits.max_pending,
            sources: core.inlets.iter().filter_map(|inlet| inlet.health()).collect(),
            sinks: core.outlets.0.iter().map(Outlet::health).collect(),
        }
    }
}
