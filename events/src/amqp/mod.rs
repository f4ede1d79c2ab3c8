//! `RabbitMQ`, and other brokers of AMQP 0.9.1: feature `amqp`.

mod link;
mod message;
mod publish;
mod sink;
mod source;
mod topology;

use std::fmt;
use std::sync::Arc;

use lapin::uri::{AMQPScheme, AMQPUri};

use link::Link;
pub use sink::AmqpSink;
pub use source::{AmqpIncoming, AmqpSettle, AmqpSource};
pub use topology::{AmqpExchange, AmqpQueue};

/// A broker of AMQP 0.9.1, such as `RabbitMQ`: [queues](Self::source) that events come from, [exchanges](Self::sink) that they go
/// to.
///
/// Nothing is connected before it is needed. There is one connection for all sources and another for all sinks, each with a
/// channel for every user, so that a broker that slows its publishers down does not keep messages from being settled. A
/// connection is closed when nobody uses it any more. Clones share their connections.
///
/// The URL is `amqp://user:password@host:5672/vhost?heartbeat=20`, where what is special in the user, the password and the
/// virtual host is percent-encoded. Without a path the virtual host is `/`; with the path `/` it has an empty name. The password
/// is in no error, in no `Debug` and in no log of this crate; at the level `TRACE`, the client library `lapin` logs all that it
/// writes, the bytes of its login among them: keep that off. TLS (`amqps`) is not there yet.
///
/// # When the broker is lost
///
/// A source connects again, with [pauses](crate::SourceExt::backoff) that grow up to 10 s: it opens its channel, declares what it was told to
/// declare, and reads on. What had been delivered and not settled is delivered again, and a settlement over the lost connection
/// is an error. A queue that does not exist keeps its own source waiting, and no other.
///
/// A sink opens a channel with the next attempt to send; its [attempts](crate::SinkExt::attempts) and [pauses](crate::SinkExt::backoff) decide how long an outage an
/// event outlives. An event whose confirmation was lost is sent again, and so may be there twice. A broker that has just started
/// may leave a message unconfirmed for good: then it is the [time-out](crate::SinkExt::timeout) that leads to the next attempt.
///
/// # Bounds
///
/// Connecting and declaring may take 15 s together; then it is an error, and is tried again. A sink sends over at most 8
/// channels at a time; more wait, within the [time-out](crate::SinkExt::timeout) of their attempt. The prefetch of a source is cut
/// to 65,535. Names, routing keys and header names have at most 255 bytes, headers at most 65,536 bytes together: past that,
/// the event is not sent, with a permanent error.
///
/// # Examples
///
/// ```no_run
/// use events::amqp::{Amqp, AmqpExchange, AmqpQueue};
/// use events::{Event, Lifespan, SinkExt as _, SourceExt as _, dispatch, on};
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
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let amqp = Amqp::new("amqp://localhost")?;
///
/// let cats = AmqpExchange::topic("cats");
/// let queue = AmqpQueue::quorum("kitchen").bound(cats.clone(), "cat-fed").dead_letters(AmqpExchange::fanout("failed-cats"));
/// let kitchen = Lifespan::builder().source(amqp.source(queue).prefetch(500)).start().await?;
///
/// let shop = Lifespan::builder().sink("cat-*", amqp.sink(cats.clone()).only()).start().await?;
/// shop.scope(async { dispatch(CatFed { fish: 2 }) }).await?; // to `cats`, with the routing key `cat-fed`
/// # shop.shutdown().await?;
/// # kitchen.shutdown().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Amqp {
    links: Arc<Links>,
}

struct Links {
    address: String,
    publishing: Link,
    consuming: Link,
}

impl Amqp {
    /// A broker, by its URL. It is not connected yet.
    ///
    /// # Errors
    ///
    /// [`AmqpUrlError`] when the URL cannot be read, and for `amqps`.
    pub fn new(url: &str) -> Result<Self, AmqpUrlError> {
        // The words of the parser are left out: they may hold parts of the URL.
        let uri: AMQPUri = url.parse().map_err(|_| AmqpUrlError::Shape)?;
        if uri.scheme != AMQPScheme::AMQP {
            return Err(AmqpUrlError::Tls);
        }
        // The parser takes an address in brackets for no host at all, and would connect to this machine.
        let authority = url.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
        if authority.contains('[') {
            return Err(AmqpUrlError::Shape);
        }
        let address = format!("amqp://{}:{}/{}", uri.authority.host, uri.authority.port, uri.vhost);
        let (publishing, consuming) = (Link::new(uri.clone(), "publishing"), Link::new(uri, "consuming"));
        Ok(Self { links: Arc::new(Links { address, publishing, consuming }) })
    }

    /// A source that reads a queue: by its name as it is, or an [`AmqpQueue`] that is made where there is none.
    ///
    /// A queue that does not exist and is not to be made is waited for.
    pub fn source(&self, queue: impl Into<AmqpQueue>) -> AmqpSource {
        AmqpSource::new(self.clone(), queue.into())
    }

    /// A sink that publishes to an exchange: by its name as it is, or an [`AmqpExchange`] that is made where there is none. The
    /// one named `""` is there always, and takes the routing key for the name of a queue.
    ///
    /// The routing key is the event's name, unless [`AmqpSink::routed_by`] says something else.
    pub fn sink(&self, exchange: impl Into<AmqpExchange>) -> AmqpSink {
        AmqpSink::new(self.clone(), exchange.into())
    }
}

impl fmt::Debug for Amqp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Amqp").field("address", &self.links.address).finish_non_exhaustive()
    }
}

/// Why a URL is not that of a broker. It never holds the URL, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AmqpUrlError {
    /// It cannot be read.
    #[error(
        "the URL of the broker cannot be read: write `amqp://user:password@host:5672/vhost`, percent-encode what is special in \
         the user, the password and the virtual host, and use a name or an IPv4 address for the host"
    )]
    Shape,
    /// It asks for TLS.
    #[error("the URL of the broker asks for TLS, which is not there yet: write `amqp://` instead of `amqps://`")]
    Tls,
}
