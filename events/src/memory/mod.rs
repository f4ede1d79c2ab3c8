//! A broker inside of the process.

mod queue;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::envelope::Envelope;
use crate::format::{CloudEvents, Format, Message};
use crate::pattern::Pattern;
use crate::sink::{Sink, SinkError};
use crate::source::{Incoming, Received, Settle, Settlement, Source, SourceError};
use crate::telemetry::Destination;

/// What OpenTelemetry's conventions call what does not leave the process.
const SYSTEM: &str = "in_process";
use queue::{Connection, Queue, Ticket};

/// A broker inside of the process: queues that patterns of names fill, with acknowledgement and redelivery.
///
/// It is the embedded default, for programs that need no other, and the double of a real broker in tests: everything but the
/// transport is the same. Messages live as long as the broker does; clones are the same broker. A queue holds at most 65,536
/// messages, those under way included: past it, sinks are told that it is full.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{Event, Lifespan, Memory, dispatch, on};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Event, Serialize, Deserialize)]
/// struct CatFed {
///     fish: u32,
/// }
///
/// #[on]
/// async fn count(event: &CatFed) {
///     println!("{} fish", event.fish);
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), events::Error> {
/// use events::SinkExt as _;
///
/// let memory = Memory::new();
/// memory.bind("kitchen", "cat-*");
/// let shop = Lifespan::builder().sink("cat-*", memory.sink().only()).start().await?;
/// shop.scope(async { dispatch(CatFed { fish: 2 }) }).await?; // into the queue
/// shop.shutdown().await?;
///
/// let kitchen = Lifespan::builder().source(memory.source("kitchen")).start().await?; // 2 fish
/// # while memory.len("kitchen") > 0 { tokio::task::yield_now().await; }
/// kitchen.shutdown().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Memory {
    broker: Arc<Broker>,
}

struct Broker {
    state: Mutex<State>,
    format: Box<dyn Format>,
}

#[derive(Default)]
struct State {
    queues: BTreeMap<String, Arc<Queue>>,
    /// Which names go to which queue.
    bindings: Vec<(String, String)>,
    is_down: bool,
}

impl Memory {
    /// A broker without queues, whose messages are `CloudEvents` in binary mode.
    pub fn new() -> Self {
        Self::with_format(CloudEvents::binary())
    }

    /// A broker whose messages have another format.
    pub fn with_format(format: impl Format) -> Self {
        Self { broker: Arc::new(Broker { state: Mutex::default(), format: Box::new(format) }) }
    }

    /// Has the events whose names match a [`Pattern`] go to a queue, which is made where there is none.
    pub fn bind(&self, queue: &str, pattern: &str) {
        let mut state = self.broker.lock();
        state.queue(queue);
        let binding = (pattern.to_owned(), queue.to_owned());
        if !state.bindings.contains(&binding) {
            state.bindings.push(binding);
        }
    }

    /// A sink that puts each event into the queues whose patterns match its name, but for the one that the event came from,
    /// unless it is to go [back](crate::SinkExt::also_back) too. An event that no queue takes is an error.
    pub fn sink(&self) -> MemorySink {
        MemorySink { memory: self.clone() }
    }

    /// A source that reads a queue, which is made where there is none. Several sources, of several lifespans, share its
    /// messages.
    pub fn source(&self, queue: &str) -> MemorySource {
        self.broker.lock().queue(queue);
        MemorySource { memory: self.clone(), queue: queue.to_owned() }
    }

    /// Puts a message into a queue, as somebody else's program would.
    ///
    /// # Errors
    ///
    /// The message, when the queue is full.
    pub fn put(&self, queue: &str, message: Message) -> Result<(), Message> {
        let queue = self.broker.lock().queue(queue);
        queue.put(message.into()).map_err(Arc::unwrap_or_clone)
    }

    /// How many messages a queue holds, those that have been delivered and not settled included.
    pub fn len(&self, queue: &str) -> usize {
        self.broker.lock().queues.get(queue).map_or(0, |queue| queue.len())
    }

    /// Takes out the messages of a queue that were rejected. At most the last 1024 are kept.
    pub fn take_rejected(&self, queue: &str) -> Vec<Message> {
        self.broker.lock().queues.get(queue).map(|queue| queue.take_rejected()).unwrap_or_default()
    }

    /// Breaks all connections, and refuses new ones until [`restore`](Self::restore), as a broker does that is down. What was not
    /// settled is delivered again afterwards. For tests.
    pub fn interrupt(&self) {
        let mut state = self.broker.lock();
        state.is_down = true;
        state.queues.values().for_each(|queue| queue.disconnect());
    }

    /// Lets connections be made again.
    pub fn restore(&self) {
        self.broker.lock().is_down = false;
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("bindings", &self.broker.lock().bindings).finish_non_exhaustive()
    }
}

impl Broker {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the addresses of its queues begin with.
    fn address(&self) -> String {
        format!("memory:{self:p}/")
    }

    /// The queue that has an address, if it is one of these.
    fn queue_at<'a>(&self, address: &'a str) -> Option<&'a str> {
        address.strip_prefix(&self.address())
    }
}

impl State {
    fn queue(&mut self, name: &str) -> Arc<Queue> {
        Arc::clone(self.queues.entry(name.to_owned()).or_default())
    }

    /// The queues that an event goes to, each with its name.
    fn bound_to(&self, name: &str) -> BTreeMap<&String, &Arc<Queue>> {
        let bound = |(pattern, queue): &(String, String)| {
            Pattern::new(pattern).matches(name).then(|| self.queues.get_key_value(queue)).flatten()
        };
        // A queue gets an event once, however many of its patterns match.
        self.bindings.iter().filter_map(bound).collect()
    }
}

/// Puts events into the queues of a [`Memory`].
#[derive(Clone, Debug)]
pub struct MemorySink {
    memory: Memory,
}

impl Sink for MemorySink {
    async fn send(&self, envelope: &Envelope) -> Result<(), SinkError> {
        let broker = &self.memory.broker;
        let message = broker.format.encode(envelope).map_err(SinkError::permanent)?;
        let state = broker.lock();
        if state.is_down {
            return Err(SinkError::new("the broker is down"));
        }
        let mut queues = state.bound_to(envelope.name());
        if let Some(from) = envelope.came_from().filter(|_| queues.len() > 1).and_then(|from| broker.queue_at(from)) {
            queues.retain(|name, _| *name != from);
        }
        if queues.is_empty() {
            let text = format!("no queue is bound to a pattern that matches `{}`", envelope.name());
            return Err(SinkError::permanent(text));
        }
        if queues.values().any(|queue| queue.is_full()) {
            return Err(SinkError::new("a queue is full"));
        }
        let message = Arc::new(message);
        for queue in queues.into_values() {
            // Nobody else puts anything in while the broker is locked.
            let _ = queue.put(Arc::clone(&message));
        }
        Ok(())
    }

    fn leads_only_to(&self, name: &str, address: &str) -> bool {
        let Some(queue) = self.memory.broker.queue_at(address) else { return false };
        let state = self.memory.broker.lock();
        let queues = state.bound_to(name);
        queues.len() == 1 && queues.keys().all(|name| *name == queue)
    }

    fn label(&self) -> Option<String> {
        Some("memory".into())
    }

    fn destination(&self, envelope: &Envelope) -> Destination {
        Destination::new(SYSTEM).named(envelope.name().to_owned())
    }
}

/// Reads a queue of a [`Memory`].
#[derive(Clone, Debug)]
pub struct MemorySource {
    memory: Memory,
    queue: String,
}

impl Source for MemorySource {
    type Incoming = MemoryIncoming;

    fn address(&self) -> String {
        format!("{}{}", self.memory.broker.address(), self.queue)
    }

    fn label(&self) -> String {
        format!("memory/{}", self.queue)
    }

    fn destination(&self, _: &Message) -> Destination {
        Destination::new(SYSTEM).named(self.queue.clone())
    }

    async fn connect(&self, prefetch: usize) -> Result<MemoryIncoming, SourceError> {
        let mut state = self.memory.broker.lock();
        if state.is_down {
            return Err(SourceError::new("the broker is down"));
        }
        Ok(MemoryIncoming { connection: Connection::open(&state.queue(&self.queue), prefetch) })
    }
}

/// A connection to a queue of a [`Memory`].
#[derive(Debug)]
pub struct MemoryIncoming {
    connection: Arc<Connection>,
}

impl Incoming for MemoryIncoming {
    type Settle = MemorySettle;

    async fn next(&mut self) -> Result<Received<MemorySettle>, SourceError> {
        let (ticket, message) = self.connection.next().await?;
        Ok(Received::new(message, MemorySettle { connection: Arc::clone(&self.connection), ticket }))
    }
}

/// Settles a message out of a queue of a [`Memory`].
#[derive(Debug)]
pub struct MemorySettle {
    connection: Arc<Connection>,
    ticket: Ticket,
}

impl Settle for MemorySettle {
    async fn settle(self, settlement: Settlement) -> Result<(), SourceError> {
        self.connection.settle(self.ticket, settlement)
    }
}

impl Drop for MemoryIncoming {
    fn drop(&mut self) {
        self.connection.close();
    }
}
