//! What the test files share: a log that handlers write to, one for each lifespan.

#![allow(dead_code, reason = "each test file takes what it needs")]

pub(crate) mod asked;
pub(crate) mod logged;
pub(crate) mod script;

use std::sync::{Arc, Mutex, PoisonError};

use events::{Lifespan, LifespanBuilder, State};

/// What handlers have done, in order. Clones are one log, so that a test can keep it for longer than a lifespan does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// Adds a line.
    pub(crate) fn write(&self, line: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line.into());
    }

    /// How many lines are `line`.
    pub(crate) fn count(&self, line: &str) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|known| *known == line).count()
    }

    /// Takes the lines out.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The lifespan that `builder` describes, with a log, and the log.
pub(crate) async fn start_with(builder: LifespanBuilder) -> (Lifespan, State<Log>) {
    let app = builder.state(Log::default()).start().await.expect("a lifespan");
    let log = app.state().expect("it was given a log");
    (app, log)
}
