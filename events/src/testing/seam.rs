//! What a test has put into a lifespan: a record of what happens, and an order of the handlers.

use std::sync::{Arc, Mutex, PoisonError};

use super::arrange::Arrangement;
use super::record::Record;
use crate::any::AnyEvent;
use crate::dispatch::DispatchError;
use crate::failure::Failure;
use crate::handler::Handler;
use crate::metadata::Cause;

/// What a lifespan tells its test, if a test has started it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seam(Option<Arc<Kit>>);

/// What a lifespan and its test share.
#[derive(Debug, Default)]
pub(super) struct Kit {
    record: Mutex<Record>,
    pub(super) arrangement: Option<Arrangement>,
}

impl Kit {
    pub(super) fn arranged(arrangement: Arrangement) -> Self {
        Self { record: Mutex::default(), arrangement: Some(arrangement) }
    }

    /// What has happened so far. The lock is never held while code of the user runs.
    pub(super) fn record(&self) -> Record {
        self.write(|record| record.clone())
    }

    fn write<T>(&self, write: impl FnOnce(&mut Record) -> T) -> T {
        write(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Seam {
    pub(super) fn new(kit: &Arc<Kit>) -> Self {
        Self(Some(Arc::clone(kit)))
    }

    fn write(&self, write: impl FnOnce(&mut Record)) {
        if let Some(kit) = &self.0 {
            kit.write(write);
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// An event has been accepted.
    pub(crate) fn dispatched(&self, event: &AnyEvent) {
        self.write(|record| record.dispatched(event));
    }

    pub(crate) fn refused(&self, error: &DispatchError, cause: Option<&Cause>) {
        self.write(|record| record.refused(error.to_string(), cause.map(|cause| cause.id.clone())));
    }

    /// So many handlers of an event have ended.
    pub(crate) fn ran(&self, event: &AnyEvent, handlers: usize) {
        self.write(|record| record.ran(event, handlers));
    }

    /// No handler of an event is left.
    pub(crate) fn delivered(&self, event: &AnyEvent) {
        self.write(|record| record.delivered(event));
    }

    pub(crate) fn failed(&self, failure: &Failure) {
        self.write(|record| record.failed(failure));
    }

    /// Puts the handlers of a name, which are sorted, into the order that the test asks for.
    pub(crate) fn arrange(&self, name: &str, handlers: &mut [&Handler]) {
        if let Some(arrangement) = self.0.as_ref().and_then(|kit| kit.arrangement.as_ref()) {
            arrangement.arrange(name, handlers);
        }
    }
}
