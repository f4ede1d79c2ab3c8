//! Publishes messages, and finds out what became of each.

use futures_util::future::join_all;
use lapin::message::BasicReturnMessage;
use lapin::options::BasicPublishOptions;
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation};

use super::link::{explain, short};
use crate::error::BoxError;
use crate::sink::SinkError;

/// What became of a message.
pub(super) type Published = Result<(), SinkError>;

/// A message that is ready to be published.
pub(super) struct Draft {
    exchange: ShortString,
    routing_key: ShortString,
    properties: BasicProperties,
    body: Vec<u8>,
}

impl Draft {
    pub(super) fn new(
        exchange: &str,
        routing_key: &str,
        properties: BasicProperties,
        body: Vec<u8>,
    ) -> Result<Self, BoxError> {
        Ok(Self { exchange: short(exchange)?, routing_key: short(routing_key)?, properties, body })
    }

    async fn publish(&self, channel: &Channel) -> Result<Confirmation, lapin::Error> {
        let (exchange, key) = (self.exchange.clone(), self.routing_key.clone());
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        channel.basic_publish(exchange, key, options, &self.body, self.properties.clone()).await?.await
    }

    fn is(&self, returned: &BasicReturnMessage) -> bool {
        self.routing_key == returned.routing_key
            && self.properties.message_id() == returned.properties.message_id()
            && self.body == returned.data
    }
}

/// Publishes all over a channel that nobody else uses, then waits for all confirmations. Answers for each, and whether the broker
/// has ended the channel.
pub(super) async fn publish(drafts: &[&Draft], channel: &Channel) -> (Vec<Published>, bool) {
    let confirmed = join_all(drafts.iter().map(|draft| draft.publish(channel))).await;
    let spoiled = confirmed.iter().any(|one| one.as_ref().is_err_and(lapin::Error::is_amqp_soft_error));
    (answers(drafts, confirmed), spoiled)
}

fn answers(drafts: &[&Draft], confirmed: Vec<Result<Confirmation, lapin::Error>>) -> Vec<Published> {
    let (mut answers, mut returned) = (Vec::with_capacity(drafts.len()), Vec::new());
    for (index, confirmed) in confirmed.into_iter().enumerate() {
        answers.push(match confirmed {
            Ok(Confirmation::Ack(back)) => {
                returned.extend(back.map(|back| (index, back)));
                Ok(())
            }
            Ok(Confirmation::Nack(back)) => {
                returned.extend(back.map(|back| (index, back)));
                Err(SinkError::new("the broker could not take the message (nack)"))
            }
            Ok(Confirmation::NotRequested) => Err(SinkError::new("the broker does not confirm what is published")),
            Err(error) => Err(refused(&error, drafts.len() == 1)),
        });
    }
    let mut known = vec![false; drafts.len()];
    for (index, back) in returned {
        let own = drafts.iter().zip(&known).position(|(draft, known)| !known && draft.is(&back)).unwrap_or(index);
        known[own] = true;
        answers[own] = Err(unroutable(&back));
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

    fn draft(id: &str) -> Draft {
        let properties = BasicProperties::default().with_message_id(id.into());
        Draft::new("cats", "cat-fed", properties, b"null".to_vec()).expect("short names")
    }

    fn returned(id: &str) -> BasicReturnMessage {
        let mut delivery = Delivery::mock(0, "cats".into(), "cat-fed".into(), false, b"null".to_vec());
        delivery.properties = BasicProperties::default().with_message_id(id.into());
        BasicReturnMessage { delivery, reply_code: 312, reply_text: "NO_ROUTE".into() }
    }

    /// Which messages were sent, with what the library says of each.
    fn sent(ids: [&str; 3], confirmed: [Confirmation; 3]) -> [bool; 3] {
        let drafts = ids.map(draft);
        let answers = answers(&drafts.each_ref(), confirmed.into_iter().map(Ok).collect());
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
