//! What every sink and source must hold, run against any of them.

mod arriving;
mod settling;
mod trial;

use std::future::Future;
use std::time::Duration;

use crate::format::{CloudEvents, Format};
use crate::sink::Sink;
use crate::source::Source;

/// A transport, for [`assert_conformance`].
///
/// What its protocol cannot do, it says by the methods that are not asked otherwise: the contract is then checked without that,
/// and with all the rest.
///
/// # Examples
///
/// A queue in the cloud that promises no order, and may deliver a message twice:
///
/// ```
/// use events::testing::Transport;
/// # use events::{MemorySink, MemorySource};
///
/// struct CloudQueue;
///
/// impl Transport for CloudQueue {
/// #   type Sink = MemorySink;
/// #   type Source = MemorySource;
/// #   async fn pair(&self, _: &str) -> (MemorySink, MemorySource) { unimplemented!() }
///     // ..
///     fn keeps_order(&self) -> bool {
///         false
///     }
///
///     fn delivers_once(&self) -> bool {
///         false
///     }
/// }
/// ```
pub trait Transport {
    /// Its sink.
    type Sink: Sink;
    /// Its source.
    type Source: Source;

    /// A sink and a source that is given what the sink sends, and nothing else: a queue of their own, empty, that outlives
    /// connections. `name` is different each time.
    fn pair(&self, name: &str) -> impl Future<Output = (Self::Sink, Self::Source)>;

    /// What reads the source's messages. The default is `CloudEvents`.
    fn format(&self) -> impl Format {
        CloudEvents::binary()
    }

    /// How long a message may take to come, also one that is delivered again. The default is 20 s.
    fn patience(&self) -> Duration {
        Duration::from_secs(20)
    }

    /// Whether messages come in the order in which they were sent. The default is `true`.
    fn keeps_order(&self) -> bool {
        true
    }

    /// Whether a payload may be of any media type; otherwise it is JSON. The default is `true`.
    fn carries_bytes(&self) -> bool {
        true
    }

    /// Puts a message into a queue that [`pair`](Self::pair) has made under this name, past the sink, as somebody else's program
    /// would; answers whether it can. The default cannot.
    fn put(&self, name: &str, body: &[u8]) -> impl Future<Output = bool> {
        let _ = (name, body);
        async { false }
    }

    /// Whether a message that is settled for good never comes again; otherwise it may. The default is `true`.
    fn delivers_once(&self) -> bool {
        true
    }

    /// Whether a message that is requeued comes again; otherwise it may, or may not. The default is `true`.
    fn requeues(&self) -> bool {
        true
    }

    /// Whether a message that was not settled comes again over the next connection; otherwise it may, or may not. The default is
    /// `true`.
    fn redelivers(&self) -> bool {
        true
    }
}

/// Runs the contract of [`Sink`] and [`Source`] against a transport, but for what the [transport](Transport) says that it cannot
/// do:
///
/// - what is sent arrives with its payload and all that travels beside it: name, identity, time, origin, version, media type,
///   correlation, causation, hops, partition key and trace;
/// - payloads of any media type arrive byte by byte;
/// - what is sent arrives once and in order;
/// - a batch is answered for each event, and one that cannot be sent leaves the others;
/// - a message that is no event is delivered and settled like others, and others follow;
/// - what is acknowledged or rejected does not come again, also not over the next connection; what is requeued does;
/// - no more than `prefetch` messages are under way;
/// - what was not settled when the connection was dropped comes again over the next one;
/// - dropping the future of [`Incoming::next`](crate::Incoming::next) loses nothing.
///
/// # Panics
///
/// Where the transport does not hold it, with what was expected and what came.
///
/// # Examples
///
/// ```standalone_crate
/// use events::testing::{Transport, assert_conformance};
/// use events::{Memory, MemorySink, MemorySource};
///
/// struct InMemory(Memory);
///
/// impl Transport for InMemory {
///     type Sink = MemorySink;
///     type Source = MemorySource;
///
///     async fn pair(&self, name: &str) -> (MemorySink, MemorySource) {
///         self.0.bind(name, &format!("{name}.*"));
///         (self.0.sink(), self.0.source(name))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_conformance(&InMemory(Memory::new())).await;
/// # }
/// ```
pub async fn assert_conformance(transport: &impl Transport) {
    arriving::arrives_whole(transport).await;
    if transport.carries_bytes() {
        arriving::arrives_in_bytes(transport).await;
    }
    arriving::arrives_in_order(transport).await;
    arriving::leaves_the_others(transport).await;
    arriving::lives_with_the_malformed(transport).await;
    settling::is_settled(transport).await;
    settling::keeps_to_prefetch(transport).await;
    settling::comes_again(transport).await;
    settling::stays_settled(transport).await;
    settling::is_cancel_safe(transport).await;
}
