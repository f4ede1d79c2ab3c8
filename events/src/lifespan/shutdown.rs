//! The end of a lifespan.

use std::fmt;
use std::sync::atomic::Ordering;

use super::Lifespan;
use crate::context::Ambient;

/// What a lifespan has done, told at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// How many events were delivered to their handlers, the failing ones included.
    pub delivered: u64,
    /// How many times a handler failed.
    pub failed: u64,
    /// How many events were not delivered, because the runtime ended before the lifespan.
    pub aborted: u64,
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events delivered, {} failures, {} aborted", self.delivered, self.failed, self.aborted)
    }
}

/// Why a lifespan did not shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// It was asked for inside of what it waits for.
    #[error(
        "`shutdown` was called inside a scope or a handler of the lifespan, which it would wait for: call it outside, or spawn it"
    )]
    Inside,
}

impl Lifespan {
    /// Ends the lifespan: takes nothing more from outside, waits for open scopes, for every handler and for what the
    /// handlers dispatch in turn, and answers what has been done.
    ///
    /// It may be called many times and from many places at once; all callers wait for the same end and get the same report.
    /// From the call on, [`dispatch`](crate::dispatch) from outside answers
    /// [`Closed`](crate::DispatchError::Closed), and at its end every dispatch does.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::Lifespan;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), events::Error> {
    /// let app = Lifespan::builder().start().await?;
    /// let report = app.shutdown().await?;
    /// assert_eq!(report.to_string(), "0 events delivered, 0 failures, 0 aborted");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ShutdownError::Inside`] when the caller is part of what it would wait for.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the waiting; the lifespan goes on ending.
    pub async fn shutdown(&self) -> Result<ShutdownReport, ShutdownError> {
        if Ambient::current().is_some_and(|ambient| ambient.lifespan.is(self)) {
            return Err(ShutdownError::Inside);
        }
        self.core.gate.drain();
        self.core.gate.wait().await;
        let counters = &self.core.counters;
        Ok(ShutdownReport {
            delivered: counters.delivered.load(Ordering::Relaxed),
            failed: counters.failed.load(Ordering::Relaxed),
            aborted: counters.aborted.load(Ordering::Relaxed),
        })
    }
}
