//! What a scope has collected.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use crate::sync::{AtomicBool, Mutex, MutexGuard, Ordering, PoisonError};

/// How many events there is room for, where there is more than one.
const FEW: usize = 4;

/// Events in the order in which they came. One alone is not worth an allocation.
#[derive(Debug)]
pub(crate) enum Events<E> {
    One(E),
    Many(Vec<E>),
}

impl<E> Default for Events<E> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl<E> Events<E> {
    fn push(&mut self, event: E) {
        match self {
            Self::Many(events) if events.capacity() == 0 => *self = Self::One(event),
            Self::Many(events) => events.push(event),
            Self::One(_) => {
                let Self::One(first) = std::mem::take(self) else { return };
                let mut events = Vec::with_capacity(FEW);
                events.extend([first, event]);
                *self = Self::Many(events);
            }
        }
    }
}

impl<E> Deref for Events<E> {
    type Target = [E];

    fn deref(&self) -> &[E] {
        match self {
            Self::One(event) => std::slice::from_ref(event),
            Self::Many(events) => events,
        }
    }
}

/// What was taken out of a queue.
#[derive(Debug)]
pub(crate) struct Taken<E> {
    pub(crate) events: Events<E>,
    /// Whether the scope has values, which go with the events.
    pub(crate) has_values: bool,
}

/// The events and values of a scope. It takes none any more once the scope has ended.
#[derive(Debug)]
pub(crate) struct Queue<E> {
    /// Changed under the lock alone, by which whoever pushes looks again.
    closed: AtomicBool,
    content: Mutex<Content<E>>,
}

#[derive(Debug)]
struct Content<E> {
    events: Events<E>,
    values: Option<Values>,
}

type Values = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

impl<E> Default for Queue<E> {
    fn default() -> Self {
        let content = Content { events: Events::default(), values: None };
        Self { closed: AtomicBool::new(false), content: Mutex::new(content) }
    }
}

impl<E> Queue<E> {
    fn lock(&self) -> MutexGuard<'_, Content<E>> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Acquire)
    }

    /// Queues an event, or gives it back when the scope has ended.
    pub(crate) fn push(&self, event: E) -> Result<(), E> {
        let mut content = self.lock();
        if self.closed.load(Ordering::Relaxed) {
            return Err(event);
        }
        content.events.push(event);
        Ok(())
    }

    /// Takes the events out, and goes on collecting.
    pub(crate) fn take(&self) -> Taken<E> {
        let mut content = self.lock();
        Taken { events: std::mem::take(&mut content.events), has_values: content.values.is_some() }
    }

    /// Takes the events out, and collects no more.
    pub(crate) fn close(&self) -> Taken<E> {
        let mut content = self.lock();
        self.closed.store(true, Ordering::Release);
        Taken { events: std::mem::take(&mut content.events), has_values: content.values.is_some() }
    }

    pub(crate) fn insert<T: Send + Sync + 'static>(&self, value: T) {
        self.lock().values.get_or_insert_default().insert(TypeId::of::<T>(), Arc::new(value));
    }

    pub(crate) fn value<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let value = self.lock().values.as_ref()?.get(&TypeId::of::<T>()).map(Arc::clone);
        value.and_then(|value| value.downcast().ok())
    }
}
