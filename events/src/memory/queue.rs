//! A queue, and the connections that read it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

use crate::format::Message;
use crate::source::{Settlement, SourceError};

/// How many messages a queue holds.
const CAPACITY: usize = 65_536;
/// How many rejected messages are kept.
const REJECTED: usize = 1024;

/// Messages in the order in which they came, which they keep when they are delivered again.
#[derive(Default)]
pub(super) struct Queue {
    content: Mutex<Content>,
    changed: Notify,
}

#[derive(Default)]
struct Content {
    next_message: u64,
    next_connection: u64,
    /// By number.
    ready: VecDeque<Numbered>,
    /// Delivered and not settled, in all connections. Places that are free are kept for the next ones.
    under_way: Vec<Option<UnderWay>>,
    free: Vec<usize>,
    rejected: VecDeque<Arc<Message>>,
    connections: Vec<Weak<Connection>>,
}

struct Numbered {
    number: u64,
    message: Arc<Message>,
}

/// A message that a connection has delivered.
struct UnderWay {
    connection: u64,
    numbered: Numbered,
}

/// Where a message is under way. The place may be another one's when the connection has been closed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    place: usize,
    number: u64,
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
        let number = content.next_message;
        content.next_message += 1;
        content.ready.push_back(Numbered { number, message });
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
        self.ready.len() + self.under_way.len() - self.free.len()
    }

    fn send(&mut self, under_way: UnderWay) -> usize {
        match self.free.pop() {
            Some(place) => {
                self.under_way[place] = Some(under_way);
                place
            }
            None => {
                self.under_way.push(Some(under_way));
                self.under_way.len() - 1
            }
        }
    }

    /// Takes back what a connection has at a place.
    fn take_back(&mut self, connection: u64, Ticket { place, number }: Ticket) -> Option<Numbered> {
        let there = self.under_way.get_mut(place)?;
        let UnderWay { numbered, .. } =
            there.take_if(|there| there.connection == connection && there.numbered.number == number)?;
        self.free.push(place);
        Some(numbered)
    }

    /// Takes back everything that a connection has.
    fn take_all_back(&mut self, connection: u64) -> Vec<Numbered> {
        let mut all = Vec::new();
        for (place, there) in self.under_way.iter_mut().enumerate() {
            if let Some(UnderWay { numbered, .. }) = there.take_if(|there| there.connection == connection) {
                self.free.push(place);
                all.push(numbered);
            }
        }
        all
    }

    /// Puts a message where it was.
    fn put_back(&mut self, numbered: Numbered) {
        let at = self.ready.partition_point(|ready| ready.number < numbered.number);
        self.ready.insert(at, numbered);
    }

    fn reject(&mut self, message: Arc<Message>) {
        if self.rejected.len() >= REJECTED {
            self.rejected.pop_front();
        }
        self.rejected.push_back(message);
    }
}

/// One reader of a queue.
pub(super) struct Connection {
    queue: Arc<Queue>,
    number: u64,
    prefetch: usize,
    is_closed: AtomicBool,
    /// How many messages were delivered over it, and not settled. It changes while the queue is locked.
    under_way: AtomicUsize,
}

impl Connection {
    pub(super) fn open(queue: &Arc<Queue>, prefetch: usize) -> Arc<Self> {
        let mut content = queue.lock();
        let number = content.next_connection;
        content.next_connection += 1;
        let connection = Arc::new(Self {
            queue: Arc::clone(queue),
            number,
            prefetch,
            is_closed: AtomicBool::new(false),
            under_way: AtomicUsize::new(0),
        });
        content.connections.retain(|known| known.strong_count() > 0);
        content.connections.push(Arc::downgrade(&connection));
        connection
    }

    /// Waits for a message, and for room to have it under way.
    pub(super) async fn next(&self) -> Result<(Ticket, Arc<Message>), SourceError> {
        if let Some(taken) = self.take()? {
            return Ok(taken);
        }
        loop {
            let changed = self.queue.changed.notified();
            if let Some(taken) = self.take()? {
                return Ok(taken);
            }
            changed.await;
        }
    }

    fn take(&self) -> Result<Option<(Ticket, Arc<Message>)>, SourceError> {
        let mut content = self.queue.lock();
        if self.is_closed.load(Ordering::Relaxed) {
            return Err(SourceError::new("the connection was closed"));
        }
        if self.under_way.load(Ordering::Relaxed) >= self.prefetch {
            return Ok(None);
        }
        let Some(numbered) = content.ready.pop_front() else { return Ok(None) };
        let (number, message) = (numbered.number, Arc::clone(&numbered.message));
        let place = content.send(UnderWay { connection: self.number, numbered });
        self.under_way.fetch_add(1, Ordering::Relaxed);
        Ok(Some((Ticket { place, number }, message)))
    }

    pub(super) fn settle(&self, ticket: Ticket, settlement: Settlement) -> Result<(), SourceError> {
        let mut content = self.queue.lock();
        let numbered = content.take_back(self.number, ticket);
        let numbered = numbered.ok_or("the connection was closed: the message is delivered again")?;
        let was_full = self.under_way.fetch_sub(1, Ordering::Relaxed) >= self.prefetch;
        match settlement {
            Settlement::Ack => {}
            Settlement::Requeue => content.put_back(numbered),
            Settlement::Reject => content.reject(numbered.message),
        }
        drop(content);
        if was_full || settlement == Settlement::Requeue {
            self.queue.changed.notify_waiters();
        }
        Ok(())
    }

    /// Gives back what was not settled.
    pub(super) fn close(&self) {
        let mut content = self.queue.lock();
        self.is_closed.store(true, Ordering::Relaxed);
        for numbered in content.take_all_back(self.number) {
            content.put_back(numbered);
        }
        self.under_way.store(0, Ordering::Relaxed);
        drop(content);
        self.queue.changed.notify_waiters();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("under_way", &self.under_way).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Connection, Queue, Ticket};
    use crate::format::Message;
    use crate::source::Settlement;

    fn queue(bodies: &[&str]) -> Arc<Queue> {
        let queue = Arc::<Queue>::default();
        for body in bodies {
            let message = Message { body: (*body).into(), ..Message::default() };
            queue.put(message.into()).expect("there is room");
        }
        queue
    }

    fn take(connection: &Connection) -> (Ticket, String) {
        let (ticket, message) = connection.take().expect("it is open").expect("there is a message");
        (ticket, String::from_utf8_lossy(&message.body).into_owned())
    }

    #[test]
    fn who_is_closed_settles_nothing_that_another_one_has() {
        let queue = queue(&["a", "b"]);
        let [first, second] = [(); 2].map(|()| Connection::open(&queue, 10));
        let (late, _) = take(&first);
        first.close();
        let (ticket, body) = take(&second);
        assert_eq!((body.as_str(), ticket.place), ("a", late.place), "in the place of the other one");
        assert!(first.settle(late, Settlement::Ack).is_err());
        assert!(first.take().is_err());
        assert_eq!(queue.len(), 2);
        second.settle(ticket, Settlement::Ack).expect("it has it");
        assert!(second.settle(ticket, Settlement::Ack).is_err(), "once");
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn what_comes_back_has_its_old_place_in_the_order() {
        let queue = queue(&["a", "b", "c", "d"]);
        let connection = Connection::open(&queue, 3);
        let [a, b, c] = [(); 3].map(|()| take(&connection).0);
        assert!(connection.take().expect("it is open").is_none(), "three at a time");
        for ticket in [c, a] {
            connection.settle(ticket, Settlement::Requeue).expect("it has it");
        }
        assert_eq!(take(&connection).1, "a");
        connection.settle(b, Settlement::Requeue).expect("it has it");
        connection.close();
        let other = Connection::open(&queue, 10);
        assert_eq!([(); 4].map(|()| take(&other).1), ["a", "b", "c", "d"]);
    }
}
