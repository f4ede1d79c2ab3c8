//! What a scope has collected.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::any::AnyEvent;

/// The events and values of a scope. It takes none any more once the scope has ended.
#[derive(Debug, Default)]
pub(crate) struct ScopeQueue(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    closed: bool,
    events: Vec<AnyEvent>,
    values: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl ScopeQueue {
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.lock().closed
    }

    /// Queues an event, or gives it back when the scope has ended.
    pub(crate) fn push(&self, event: AnyEvent) -> Result<(), AnyEvent> {
        let mut content = self.lock();
        if content.closed {
            return Err(event);
        }
        content.events.push(event);
        Ok(())
    }

    /// Takes the events out, and goes on collecting.
    pub(crate) fn take(&self) -> Vec<AnyEvent> {
        std::mem::take(&mut self.lock().events)
    }

    /// Takes the events out, and collects no more.
    pub(crate) fn close(&self) -> Vec<AnyEvent> {
        let mut content = self.lock();
        content.closed = true;
        std::mem::take(&mut content.events)
    }

    pub(crate) fn insert<T: Send + Sync + 'static>(&self, value: T) {
        self.lock().values.insert(TypeId::of::<T>(), Arc::new(value));
    }

    pub(crate) fn has_values(&self) -> bool {
        !self.lock().values.is_empty()
    }

    pub(crate) fn value<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let value = self.lock().values.get(&TypeId::of::<T>()).map(Arc::clone);
        value.and_then(|value| value.downcast().ok())
    }
}
