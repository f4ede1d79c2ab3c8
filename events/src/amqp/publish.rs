//! Publishes messages, and finds out what became of each.

use futures_util::future::join_all;
use lapin::message::BasicReturnMessage;
use lapin::options::BasicPublishOptions;
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation};

use super::link::{explain, short};
use super::{AmqpExchange, message};
use crate::call::caught;
use crate::envelope::Envelope;
use crate::error::BoxError;
use crate::format::Format;
use crate::sink::SinkError;

/// What became of a message.
pub(super) type Published = Result<(), SinkError>;

pub(super) type Route = dyn Fn(&Envelope) -> String + Send + Sync;

/// How events are written into messages.
pub(super) struct Form {
    pub(super) exchange: AmqpExchange,
    pub(super) route: Option<Box<Route>>,
    pub(super) format: Box<dyn Format>,
}

/// A message that is ready to be published.
struct Draft {
    exchange: ShortString,
    routing_key: ShortString,
    properties: BasicProperties,
    body: Vec<u8>,
}

/// What a message is known by that the broker returns.
struct Known {
    routing_key: ShortString,
    id: Option<ShortString>,
    body: Vec<u8>,
}

impl Form {
    fn draft(&self, envelope: &Envelope) -> Result<Draft, BoxError> {
        let message = self.format.encode(envelope)?;
        let routing_key = match &self.route {
            Some(route) => short(route(envelope))?,
            None => short(envelope.name())?,
        };
        let properties = message::properties(envelope, message.content_type, message.headers)?;
        Ok(Draft { exchange: short(&self.exchange.name)?, routing_key, properties, body: message.body })
    }

    /// Publishes all over a channel that nobody else uses, then waits for all confirmations. Answers for each, and whether the
    /// broker has ended the channel.
    ///
    /// Each is written when its turn comes, while those before it are on their way.
    pub(super) async fn publish(&self, envelopes: &[&Envelope], channel: &Channel) -> (Vec<Published>, bool) {
        let all = join_all(envelopes.iter().map(|envelope| async move {
            match caught(async { self.draft(envelope) }).await {
                Ok(Ok(draft)) => Ok(draft.publish(channel).await),
                Ok(Err(error)) => Err(SinkError::permanent(error)),
                Err(panic) => Err(SinkError::permanent(panic.to_string())),
            }
        }));
        let all = all.await;
        let error = |sent: &Sent| sent.confirmed.as_ref().is_err_and(lapin::Error::is_amqp_soft_error);
        let spoiled = all.iter().any(|one| one.as_ref().is_ok_and(error));
        (answers(all), spoiled)
    }
}

/// A message that was published, and what the library says of it.
struct Sent {
    known: Known,
    confirmed: Result<Confirmation, lapin::Error>,
}

impl Draft {
    async fn publish(self, channel: &Channel) -> Sent {
        let Self { exchange, routing_key, properties, body } = self;
        let known = Known { routing_key: routing_key.clone(), id: properties.message_id().clone(), body };
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let confirmed = match channel.basic_publish(exchange, routing_key, options, &known.body, properties).await {
            Ok(confirmation) => confirmation.await,
            Err(error) => Err(error),
        };
        Sent { known, confirmed }
    }
}

impl Known {
    fn is(&self, returned: &BasicReturnMessage) -> bool {
        self.routing_key == returned.routing_key
            && self.id == *returned.properties.message_id()
            && self.body == returned.data
    }
}

fn answers(all: Vec<Result<Sent, SinkError>>) -> Vec<Published> {
    let alone = all.len() == 1;
    let (mut answers, mut known, mut returned) = (Vec::with_capacity(all.len()), Vec::new(), Vec::new());
    for (index, sent) in all.into_iter().enumerate() {
        let sent = sent.map(|sent| {
            known.push((index, sent.known));
            sent.confirmed
        });
        answers.push(match sent {
            Ok(Ok(Confirmation::Ack(back))) => {
                returned.extend(back.map(|back| (index, back)));
                Ok(())
            }
            Ok(Ok(Confirmation::Nack(back))) => {
                returned.extend(back.map(|back| (index, back)));
                Err(SinkError::new("the broker could not take the message (nack)"))
            }
            Ok(Ok(Confirmation::NotRequested)) => Err(SinkError::new("the broker does not confirm what is published")),
            Ok(Err(error)) => Err(refused(&error, alone)),
            Err(error) => Err(error),
        });
    }
    for (index, back) in returned {
        // Those that are alike are told apart by taking out the first.
        let own = known.iter().position(|(_, known)| known.is(&back)).map(|place| known.remove(place).0);
        answers[own.unwrap_or(index)] = Err(unroutable(&back));
    }
    answers
}

fn unroutable(back: &BasicReturnMessage) -> SinkError {
    SinkError::permanent(format!(
        "the broker returned the message: {} {}: bind a queue to exchange `{}` with routing key `{}`",
        back.reply_code, back.reply_text, back.exchange, back.routing_key
    ))
}

/// `alone` is whether the broker can have meant no other message.
fn refused(error: &lapin::Error, alone: bool) -> SinkError {
    let text = explain("the broker has not taken the message", error);
    if alone && error.is_amqp_soft_error() { SinkError::permanent(text) } else { SinkError::new(text) }
}

#[cfg(test)]
mod tests {
    use lapin::message::Delivery;

    use super::*;

    fn known(id: &str) -> Known {
        Known { routing_key: "cat-fed".into(), id: Some(id.into()), body: b"null".to_vec() }
    }

    fn returned(id: &str) -> BasicReturnMessage {
        let mut delivery = Delivery::mock(0, "cats".into(), "cat-fed".into(), false, b"null".to_vec());
        delivery.properties = BasicProperties::default().with_message_id(id.into());
        BasicReturnMessage { delivery, reply_code: 312, reply_text: "NO_ROUTE".into() }
    }

    /// Which messages were sent, with what the library says of each.
    fn sent(ids: [&str; 3], confirmed: [Confirmation; 3]) -> [bool; 3] {
        let sent = ids.into_iter().zip(confirmed).map(|(id, one)| Ok(Sent { known: known(id), confirmed: Ok(one) }));
        let answers = answers(sent.collect());
        [0, 1, 2].map(|index| answers[index].is_ok())
    }

    #[test]
    fn a_returned_message_is_found_wherever_the_library_puts_it() {
        let [one, two, three] = ["1", "2", "3"];
        let ack = |id: &str| Confirmation::Ack(Some(returned(id)));
        let fine = || Confirmation::Ack(None);
        assert_eq!(sent([one, two, three], [ack(two), fine(), fine()]), [true, false, true]);
        assert_eq!(sent([one, two, three], [ack(three), ack(one), fine()]), [false, true, false]);
        assert_eq!(
            sent([one, two, three], [fine(), Confirmation::Nack(Some(returned(one))), fine()]),
            [false, false, true]
        );
        // Those that are alike are not told apart, and need not be: one route is as good as another.
        assert_eq!(sent([one, one, two], [ack(one), fine(), ack(one)]), [false, false, true]);
        // Never sent here: whoever brings it answers for it.
        assert_eq!(sent([one, two, three], [fine(), fine(), ack("4")]), [true, true, false]);
    }
}
