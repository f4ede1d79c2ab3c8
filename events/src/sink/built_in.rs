//! Sinks that need no broker.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use super::{Sink, SinkError};
use crate::envelope::Envelope;
use crate::rfc3339;

/// Writes events where people read them, a line for each: the time, the identity, the name, the payload.
///
/// The line is written and flushed before the event counts as sent, on the thread of the delivery: it is meant for terminals,
/// files and memory, and not for what blocks.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{Echo, Event, Lifespan, dispatch};
///
/// #[derive(Event, serde::Serialize)]
/// struct CatFed {
///     fish: u32,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), events::Error> {
/// let app = Lifespan::builder().sink("*", Echo::stdout()).start().await?;
/// app.scope(async { dispatch(CatFed { fish: 2 }) }).await?; // 2026-11-22T05:40:00.123456Z 5b3f…-1 cat-fed {"fish":2}
/// app.shutdown().await?;
/// # Ok(())
/// # }
/// ```
pub struct Echo<W> {
    writer: Mutex<W>,
}

impl Echo<io::Stdout> {
    /// Writes to standard output.
    pub fn stdout() -> Self {
        Self::new(io::stdout())
    }
}

impl Echo<io::Stderr> {
    /// Writes to standard error.
    pub fn stderr() -> Self {
        Self::new(io::stderr())
    }
}

impl<W: Write + Send + 'static> Echo<W> {
    /// Writes to anything.
    pub fn new(writer: W) -> Self {
        Self { writer: Mutex::new(writer) }
    }
}

impl<W: Write + Send + 'static> Sink for Echo<W> {
    async fn send(&self, envelope: &Envelope) -> Result<(), SinkError> {
        let time = rfc3339::write_micros(envelope.time()).unwrap_or_else(|| "?".into());
        // One call, so that nobody else's line comes in between.
        let line =
            format!("{time} {} {} {}\n", envelope.id(), envelope.name(), String::from_utf8_lossy(envelope.payload()));
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write_all(line.as_bytes())?;
        Ok(writer.flush()?)
    }
}

impl<W> fmt::Debug for Echo<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Echo").finish_non_exhaustive()
    }
}

/// Takes every event, and does nothing with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Null;

impl Sink for Null {
    async fn send(&self, _: &Envelope) -> Result<(), SinkError> {
        Ok(())
    }
}
