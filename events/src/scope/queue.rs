//! What a scope has collected.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use crate::sync::{Mutex, MutexGuard, PoisonError};

/// The events and values of a scope. It takes none any more once the scope has ended.
#[derive(Debug)]
pub(crate) struct Queue<E>(Mutex<Content<E>>);

#[derive(Debug)]
struct Content<E> {
    closed: bool,
    events: Vec<E>,
    values: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl<E> Default for Queue<E> {
    fn default() -> Self {
        Self(Mutex::new(Content { closed: false, events: Vec::new(), values: HashMap::new() }))
    }
}

impl<E> Queue<E> {
    fn lock(&self) -> MutexGuard<'_, Content<E>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.lock().closed
    }

    /// Queues an event, or gives it back when the scope has ended.
    pub(crate) fn push(&self, event: E) -> Result<(), E> {
        let mut content = self.lock();
        if content.closed {
            return Err(event);
        }
        content.events.push(event);
        Ok(())
    }

    /// Takes the events out, and goes on collecting.
    pub(crate) fn take(&self) -> Vec<E> {
        std::mem::take(&mut self.lock().events)
    }

    /// Takes the events out, and collects no more.
    pub(crate) fn close(&self) -> Vec<E> {
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
