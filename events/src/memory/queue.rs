//! A queue, and the connections that read it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

use crate::format::Message;
use crate::source::{Settlement, SourceError};

/// How many messages a queue holds.
const CAPACITY: usize = 65_536;
/// How many rejected messages are kept.
const REJECTED: usize = 1024;

/// Messages by the order in which they came, which they keep when they are delivered again.
#[derive(Default)]
pub(super) struct Queue {
    content: Mutex<Content>,
    changed: Notify,
}

#[derive(Default)]
struct Content {
    next: u64,
    ready: BTreeMap<u64, Arc<Message>>,
    /// Delivered and not settled, in all connections.
    under_way: usize,
    rejected: Vec<Arc<Message>>,
    connections: Vec<Weak<Connection>>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, message: Arc<Message>) -> Result<(), Arc<Message>> {
        let mut content = self.lock();
        if content.len() >= CAPACITY {
            return Err(message);
        }
        let number = content.next;
        content.next += 1;
        content.ready.insert(number, message);
        drop(content);
        self.changed.notify_waiters();
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() >= CAPACITY
    }

    pub(super) fn take_rejected(&self) -> Vec<Message> {
        let rejected = std::mem::take(&mut self.lock().rejected);
        rejected.into_iter().map(Arc::unwrap_or_clone).collect()
    }

    pub(super) fn disconnect(&self) {
        let connections = std::mem::take(&mut self.lock().connections);
        connections.iter().filter_map(Weak::upgrade).for_each(|connection| connection.close());
    }
}

impl Content {
    fn len(&self) -> usize {
        self.ready.len() + self.under_way
    }
}

/// One reader of a queue.
pub(super) struct Connection {
    queue: Arc<Queue>,
    prefetch: usize,
    is_closed: AtomicBool,
    /// Delivered over it, and not settled.
    under_way: Mutex<BTreeMap<u64, Arc<Message>>>,
}

impl Connection {
    pub(super) fn open(queue: &Arc<Queue>, prefetch: usize) -> Arc<Self> {
        let connection = Arc::new(Self {
            queue: Arc::clone(queue),
            prefetch,
            is_closed: AtomicBool::new(false),
            under_way: Mutex::default(),
        });
        let mut content = queue.lock();
        content.connections.retain(|known| known.strong_count() > 0);
        content.connections.push(Arc::downgrade(&connection));
        connection
    }

    fn under_way(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Message>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a message, and for room to have it under way.
    pub(super) async fn next(&self) -> Result<(u64, Arc<Message>), SourceError> {
        loop {
            let changed = self.queue.changed.notified();
            if self.is_closed.load(Ordering::Acquire) {
                return Err(SourceError::new("the connection was closed"));
            }
            if let Some(taken) = self.take() {
                return Ok(taken);
            }
            changed.await;
        }
    }

    fn take(&self) -> Option<(u64, Arc<Message>)> {
        let mut content = self.queue.lock();
        let mut under_way = self.under_way();
        if under_way.len() >= self.prefetch {
            return None;
        }
        let (number, message) = content.ready.pop_first()?;
        content.under_way += 1;
        under_way.insert(number, Arc::clone(&message));
        Some((number, message))
    }

    pub(super) fn settle(&self, number: u64, settlement: Settlement) -> Result<(), SourceError> {
        let mut content = self.queue.lock();
        let message = self.under_way().remove(&number);
        let message = message.ok_or("the connection was closed: the message is delivered again")?;
        content.under_way -= 1;
        match settlement {
            Settlement::Ack => {}
            Settlement::Requeue => {
                content.ready.insert(number, message);
            }
            Settlement::Reject => {
                if content.rejected.len() >= REJECTED {
                    content.rejected.remove(0);
                }
                content.rejected.push(message);
            }
        }
        drop(content);
        self.queue.changed.notify_waiters();
        Ok(())
    }

    /// Gives back what was not settled.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        let mut content = self.queue.lock();
        let left = std::mem::take(&mut *self.under_way());
        content.under_way -= left.len();
        content.ready.extend(left);
        drop(content);
        self.queue.changed.notify_waiters();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("under_way", &self.under_way().len()).finish_non_exhaustive()
    }
}
