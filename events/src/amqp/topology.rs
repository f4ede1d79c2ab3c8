//! Queues and exchanges, which are left as they are, verified, or made when they are needed.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

use super::link::{explain, short};
use crate::error::BoxError;

/// What is done about a queue or an exchange before it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Care<K> {
    Left,
    Verified,
    Made(K),
}

/// A queue that a source reads: left as it is when it is only a name, [verified](Self::verified), or made where there is none.
///
/// A queue that is made is durable, and declared whenever its source connects, with the exchanges that it is bound to. What
/// else there is to say of it, such as its length, is said best by a policy of the broker, which can be changed later. Where
/// there is a queue with other properties, its source does not connect: the error holds the broker's answer, which says what
/// differs.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> Result<(), events::amqp::AmqpUrlError> {
/// use events::amqp::{Amqp, AmqpExchange, AmqpQueue};
///
/// let amqp = Amqp::new("amqp://localhost")?;
/// let as_it_is = amqp.source("pantry");
/// let cats = AmqpExchange::topic("cats");
/// let queue = AmqpQueue::quorum("kitchen").bound(cats.clone(), "cat-fed").bound(cats, "cat-purred");
/// let made = amqp.source(queue.dead_letters(AmqpExchange::fanout("failed-cats")));
///
/// // Somebody else makes these: as long as one is missing, the source does not connect, and says which.
/// let queue = AmqpQueue::verified("larder").bound(AmqpExchange::verified("deliveries"), "fish.#");
/// let verified = amqp.source(queue);
/// # drop((as_it_is, made, verified));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AmqpQueue {
    pub(super) name: String,
    care: Care<&'static str>,
    bindings: Vec<(AmqpExchange, String)>,
    dead_letters: Option<AmqpExchange>,
    delivery_limit: Option<u32>,
}

impl AmqpQueue {
    /// A durable queue on one node of the broker.
    pub fn classic(name: &str) -> Self {
        Self::of(name, Care::Made("classic"))
    }

    /// A durable queue that several nodes of the broker agree on.
    pub fn quorum(name: &str) -> Self {
        Self::of(name, Care::Made("quorum"))
    }

    /// A queue that must be there, of whatever type: it is not made. Whenever its source connects, the broker is asked for it
    /// before anything is bound to it.
    pub fn verified(name: &str) -> Self {
        Self::of(name, Care::Verified)
    }

    fn of(name: &str, care: Care<&'static str>) -> Self {
        Self { name: name.to_owned(), care, bindings: Vec::new(), dead_letters: None, delivery_limit: None }
    }

    /// Has an exchange put messages into the queue whose routing keys match.
    #[must_use]
    pub fn bound(mut self, exchange: impl Into<AmqpExchange>, routing_key: &str) -> Self {
        self.bindings.push((exchange.into(), routing_key.to_owned()));
        self
    }

    /// Says which exchange gets the messages that are [rejected](crate::Settlement::Reject), with the routing key that they
    /// came with. Without one they are dropped, and so they are where the exchange does not exist. A queue that is not made here
    /// cannot be told: its source does not connect.
    #[must_use]
    pub fn dead_letters(mut self, exchange: impl Into<AmqpExchange>) -> Self {
        self.dead_letters = Some(exchange.into());
        self
    }

    /// How often a message of a [quorum](Self::quorum) queue may come again that was not settled, or requeued: past that, the broker
    /// puts it where the [dead letters](Self::dead_letters) go, or drops it. So a message that ends the process each time does so no
    /// more than so often. Brokers before version 4 have no limit of their own. The source of a queue of another type does not
    /// connect.
    #[must_use]
    pub fn delivery_limit(mut self, again: u32) -> Self {
        self.delivery_limit = Some(again);
        self
    }

    pub(super) async fn declare(&self, channel: &Channel) -> Result<(), BoxError> {
        let (name, made) = (&self.name, matches!(self.care, Care::Made(_)));
        if self.dead_letters.is_some() && !made {
            return Err(format!(
                "queue `{name}` is not made here, and cannot be told where its dead letters go: name it by \
                 `AmqpQueue::quorum` or `AmqpQueue::classic`, or set a policy in the broker"
            )
            .into());
        }
        if self.delivery_limit.is_some() && self.care != Care::Made("quorum") {
            return Err(format!(
                "queue `{name}` has no limit of deliveries: name it by `AmqpQueue::quorum`, or leave the limit out"
            )
            .into());
        }
        self.declare_alone(channel).await?;
        for (exchange, key) in &self.bindings {
            exchange.declare(channel).await?;
            let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
            let bound = channel.queue_bind(short(name)?, short(&exchange.name)?, short(key)?, options, arguments).await;
            bound.map_err(|error| {
                explain(&format!("cannot bind queue `{name}` to exchange `{}`", exchange.name), &error)
            })?;
        }
        Ok(())
    }

    async fn declare_alone(&self, channel: &Channel) -> Result<(), BoxError> {
        let (name, mut arguments) = (&self.name, FieldTable::default());
        if let Some(exchange) = &self.dead_letters {
            exchange.declare(channel).await?;
            arguments.insert("x-dead-letter-exchange".into(), AMQPValue::LongString(exchange.name.as_str().into()));
        }
        if let Some(again) = self.delivery_limit {
            arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(again.into()));
        }
        let (what, options) = match self.care {
            Care::Left => return Ok(()),
            Care::Verified => ("find", QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() }),
            Care::Made(kind) => {
                arguments.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
                ("declare", QueueDeclareOptions::durable())
            }
        };
        let declared = channel.queue_declare(short(name)?, options, arguments).await;
        declared.map(drop).map_err(|error| explain(&format!("cannot {what} queue `{name}`"), &error))
    }
}

impl From<&str> for AmqpQueue {
    fn from(name: &str) -> Self {
        Self::of(name, Care::Left)
    }
}

/// An exchange that messages go to: left as it is when it is only a name, [verified](Self::verified), or made where there is
/// none.
///
/// An exchange that is made is durable. Where there is one with another type, whoever uses it gets the broker's answer as an
/// error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmqpExchange {
    pub(super) name: String,
    care: Care<ExchangeKind>,
}

impl AmqpExchange {
    /// Puts messages into the queues that are bound with this very routing key.
    pub fn direct(name: &str) -> Self {
        Self::of(name, Care::Made(ExchangeKind::Direct))
    }

    /// Puts messages into all queues that are bound.
    pub fn fanout(name: &str) -> Self {
        Self::of(name, Care::Made(ExchangeKind::Fanout))
    }

    /// Puts messages into the queues that are bound with a pattern of the routing key: words between full stops, `*` for one
    /// and `#` for any number of them.
    pub fn topic(name: &str) -> Self {
        Self::of(name, Care::Made(ExchangeKind::Topic))
    }

    /// An exchange that must be there, of whatever type: it is not made. The broker is asked for it by each source that is bound
    /// to it or sends its dead letters there, whenever that connects, and by each sink, whenever that opens a channel. What a
    /// sink has for an exchange that is missing is tried again; without the question, it would fail at once.
    pub fn verified(name: &str) -> Self {
        Self::of(name, Care::Verified)
    }

    fn of(name: &str, care: Care<ExchangeKind>) -> Self {
        Self { name: name.to_owned(), care }
    }

    pub(super) async fn declare(&self, channel: &Channel) -> Result<(), BoxError> {
        let none = ExchangeDeclareOptions::default();
        let (what, kind, options) = match &self.care {
            Care::Left => return Ok(()),
            // The type is not looked at.
            Care::Verified => ("find", ExchangeKind::Direct, ExchangeDeclareOptions { passive: true, ..none }),
            Care::Made(kind) => ("declare", kind.clone(), ExchangeDeclareOptions { durable: true, ..none }),
        };
        let (name, arguments) = (short(&self.name)?, FieldTable::default());
        let declared = channel.exchange_declare(name, kind, options, arguments).await;
        declared.map_err(|error| explain(&format!("cannot {what} exchange `{}`", self.name), &error))
    }
}

impl From<&str> for AmqpExchange {
    fn from(name: &str) -> Self {
        Self::of(name, Care::Left)
    }
}
