//! Queues and exchanges, which are left as they are or made when they are needed.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

use super::link::{explain, short};
use crate::error::BoxError;

/// A queue that a source reads: left as it is when it is only a name, made where there is none otherwise.
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
/// # drop((as_it_is, made));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AmqpQueue {
    pub(super) name: String,
    /// Of one that is made.
    kind: Option<&'static str>,
    bindings: Vec<(AmqpExchange, String)>,
    dead_letters: Option<AmqpExchange>,
}

impl AmqpQueue {
    /// A durable queue on one node of the broker.
    pub fn classic(name: &str) -> Self {
        Self::of(name, Some("classic"))
    }

    /// A durable queue that several nodes of the broker agree on.
    pub fn quorum(name: &str) -> Self {
        Self::of(name, Some("quorum"))
    }

    fn of(name: &str, kind: Option<&'static str>) -> Self {
        Self { name: name.to_owned(), kind, bindings: Vec::new(), dead_letters: None }
    }

    /// Has an exchange put messages into the queue whose routing keys match.
    #[must_use]
    pub fn bound(mut self, exchange: impl Into<AmqpExchange>, routing_key: &str) -> Self {
        self.bindings.push((exchange.into(), routing_key.to_owned()));
        self
    }

    /// Says which exchange gets the messages that are [rejected](crate::Settlement::Reject), with the routing key that they
    /// came with. Without one they are dropped. A queue that is left as it is cannot be told: its source does not connect.
    #[must_use]
    pub fn dead_letters(mut self, exchange: impl Into<AmqpExchange>) -> Self {
        self.dead_letters = Some(exchange.into());
        self
    }

    pub(super) async fn declare(&self, channel: &Channel) -> Result<(), BoxError> {
        let name = &self.name;
        let mut arguments = FieldTable::default();
        if let Some(exchange) = &self.dead_letters {
            exchange.declare(channel).await?;
            arguments.insert("x-dead-letter-exchange".into(), AMQPValue::LongString(exchange.name.as_str().into()));
        }
        match self.kind {
            Some(kind) => {
                arguments.insert("x-queue-type".into(), AMQPValue::LongString(kind.into()));
                let declared = channel.queue_declare(short(name)?, QueueDeclareOptions::durable(), arguments).await;
                declared.map_err(|error| explain(&format!("cannot declare queue `{name}`"), &error))?;
            }
            None if self.dead_letters.is_some() => {
                return Err(format!(
                    "queue `{name}` is left as it is, and cannot be told where its dead letters go: name it by \
                     `AmqpQueue::quorum` or `AmqpQueue::classic`, or set a policy in the broker"
                )
                .into());
            }
            None => {}
        }
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
}

impl From<&str> for AmqpQueue {
    fn from(name: &str) -> Self {
        Self::of(name, None)
    }
}

/// An exchange that messages go to: left as it is when it is only a name, made where there is none otherwise.
///
/// An exchange that is made is durable. Where there is one with another type, whoever uses it gets the broker's answer as an
/// error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmqpExchange {
    pub(super) name: String,
    /// Of one that is made.
    kind: Option<ExchangeKind>,
}

impl AmqpExchange {
    /// Puts messages into the queues that are bound with this very routing key.
    pub fn direct(name: &str) -> Self {
        Self::of(name, Some(ExchangeKind::Direct))
    }

    /// Puts messages into all queues that are bound.
    pub fn fanout(name: &str) -> Self {
        Self::of(name, Some(ExchangeKind::Fanout))
    }

    /// Puts messages into the queues that are bound with a pattern of the routing key: words between full stops, `*` for one
    /// and `#` for any number of them.
    pub fn topic(name: &str) -> Self {
        Self::of(name, Some(ExchangeKind::Topic))
    }

    fn of(name: &str, kind: Option<ExchangeKind>) -> Self {
        Self { name: name.to_owned(), kind }
    }

    pub(super) async fn declare(&self, channel: &Channel) -> Result<(), BoxError> {
        let Some(kind) = &self.kind else { return Ok(()) };
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let (name, arguments) = (short(&self.name)?, FieldTable::default());
        let declared = channel.exchange_declare(name, kind.clone(), options, arguments).await;
        declared.map_err(|error| explain(&format!("cannot declare exchange `{}`", self.name), &error))
    }
}

impl From<&str> for AmqpExchange {
    fn from(name: &str) -> Self {
        Self::of(name, None)
    }
}
