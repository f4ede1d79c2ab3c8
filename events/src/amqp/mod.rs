//! `RabbitMQ`, and other brokers of AMQP 0.9.1: feature `amqp`.

mod kit;
mod link;
mod message;
mod publish;
mod publishers;
mod screen;
mod sink;
mod source;
#[cfg(feature = "amqp-tls")]
mod tls;
mod topology;

use std::fmt;
use std::sync::Arc;

use lapin::uri::{AMQPScheme, AMQPUri};

use crate::telemetry::Destination;
use link::{Link, Tls, Way};
pub use sink::AmqpSink;
pub use source::{AmqpIncoming, AmqpSettle, AmqpSource};
#[cfg(feature = "amqp-tls")]
pub use tls::AmqpTlsError;
pub use topology::{AmqpExchange, AmqpQueue};

/// Attributes of OpenTelemetry's conventions that are about this broker alone.
const ROUTING_KEY: &str = "messaging.rabbitmq.destination.routing_key";
const DELIVERY_TAG: &str = "messaging.rabbitmq.message.delivery_tag";

/// It is sent before the broker and its client have agreed on anything longer than 4,096 bytes.
const NAME_LIMIT: usize = 200;

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
/// writes, the bytes of its login among them: keep that off.
///
/// A broker with several virtual hosts is an `Amqp` for each, and so are several brokers, all in one lifespan if need be:
///
/// ```no_run
/// # use events::{Lifespan, amqp::Amqp};
/// # fn main() -> Result<(), events::amqp::AmqpUrlError> {
/// let shop = Amqp::new("amqp://localhost/shop")?.connection_name("counter");
/// let kitchen = Amqp::new("amqp://localhost/kitchen")?.connection_name("counter");
/// let builder = Lifespan::builder().source(shop.source("orders")).sink("order-*", kitchen.sink("cooks"));
/// # drop(builder);
/// # Ok(())
/// # }
/// ```
///
/// # TLS
///
/// With the feature `amqp-tls`, `amqps://user:password@host:5671/vhost` is encrypted. The broker's certificate must be for the
/// host of the URL, and its authority one that this machine trusts or [`trusting`](Self::trusting) names. A broker that asks for
/// a certificate gets the one of [`identified_by`](Self::identified_by). Certificates of this machine are read anew for each
/// connection. What encrypts is `rustls` with the provider that the process has installed, or else with `ring`, which is then
/// installed for the process.
///
/// # When the broker is lost
///
/// A source connects again, with [pauses](crate::SourceExt::backoff) that grow up to 10 s: it opens its channel, declares what
/// it was told to declare, and reads on. What had been delivered and not settled is delivered again, and a settlement over the
/// lost connection is an error. A queue that does not exist keeps its own source waiting, and no other.
///
/// A sink opens a channel with the next attempt to send; its [attempts](crate::SinkExt::attempts) and the
/// [pauses](crate::SinkExt::backoff) between them decide how long an outage an event outlives. An event whose confirmation was
/// lost is sent again, and so may be there twice. A broker that has just started may leave a message unconfirmed for good: then
/// it is the [time-out](crate::SinkExt::timeout) that leads to the next attempt.
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
#[must_use = "its sources and sinks are given to a `LifespanBuilder`"]
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
    /// [`AmqpUrlError`] when the URL cannot be read, and for `amqps` without the feature `amqp-tls`.
    pub fn new(url: &str) -> Result<Self, AmqpUrlError> {
        // The words of the parser are left out: they may hold parts of the URL.
        let uri: AMQPUri = url.parse().map_err(|_| AmqpUrlError::Shape)?;
        if uri.scheme == AMQPScheme::AMQPS && !cfg!(feature = "amqp-tls") {
            return Err(AmqpUrlError::Tls);
        }
        // The parser takes an address in brackets for no host at all, and would connect to this machine.
        let authority = url.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
        if authority.contains('[') {
            return Err(AmqpUrlError::Shape);
        }
        Ok(Self::of(Way { uri, name: "events".into(), tls: Tls::default() }))
    }

    /// What its traces have in common.
    fn destination(&self, name: String) -> Destination {
        let authority = &self.links.consuming.way.uri.authority;
        Destination::new("rabbitmq").sent_by("publish").named(name).at(authority.host.clone(), authority.port)
    }

    fn queue_address(&self, queue: &str) -> String {
        format!("{}/{queue}", self.links.address)
    }

    fn of(way: Way) -> Self {
        let Way { uri, .. } = &way;
        let address = format!("{}://{}:{}/{}", uri.scheme, uri.authority.host, uri.authority.port, uri.vhost);
        let (publishing, consuming) = (Link::new(way.clone(), "publishing"), Link::new(way, "consuming"));
        Self { links: Arc::new(Links { address, publishing, consuming }) }
    }

    fn way(&self) -> &Way {
        &self.links.publishing.way
    }

    /// The same broker over other connections.
    fn with(self, change: impl FnOnce(&mut Way)) -> Self {
        let mut way = self.way().clone();
        change(&mut way);
        Self::of(way)
    }

    /// How the broker calls the connections where it lists them: by this name, and by `publishing` or `consuming`. Without it,
    /// the name is `events`. Of a long one the first 200 characters count.
    ///
    /// Clones from before are not affected: they have connections of their own.
    pub fn connection_name(self, name: &str) -> Self {
        self.with(|way| way.name = name.chars().take(NAME_LIMIT).collect())
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
    /// It asks for TLS, for which the feature `amqp-tls` is missing.
    #[error("the URL of the broker asks for TLS: enable the feature `amqp-tls` of the crate `events`")]
    Tls,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_a_feature() {
        let error = Amqp::new("amqps://localhost").err();
        assert_eq!(error, (!cfg!(feature = "amqp-tls")).then_some(AmqpUrlError::Tls));
    }
}
