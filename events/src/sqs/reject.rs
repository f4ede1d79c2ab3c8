//! Where rejected messages go.

use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use super::message::Original;
use super::queue::Queue;
use super::trouble::Trouble;
use crate::format::Message;

/// For messages that come from a queue without groups.
const GROUP: &str = "dead-letters";

/// The queue that the redrive policy of another one names, if there is one.
pub(super) async fn policy(queue: &Queue, url: &str) -> Result<Option<Queue>, Trouble> {
    let call = queue.client().get_queue_attributes().queue_url(url);
    let answer = call.attribute_names(QueueAttributeName::RedrivePolicy).send().await.map_err(|error| {
        let what = "which is asked for its redrive policy, unless `SqsSource::dead_letters` says where they go";
        Trouble::of_call(&format!("cannot read the attributes of queue `{}`, {what}", queue.name()), &error)
    })?;
    let policy = answer.attributes().and_then(|all| all.get(&QueueAttributeName::RedrivePolicy));
    let policy: Value = policy.and_then(|policy| serde_json::from_str(policy).ok()).unwrap_or_default();
    let name = policy["deadLetterTargetArn"].as_str().and_then(|arn| arn.rsplit(':').next());
    // The service wants it to be of the same account and region.
    Ok(name.map(|name| queue.sibling(url, name)))
}

/// Puts a copy of a message into another queue.
pub(super) async fn copy(to: &Queue, message: &Message, original: &Original) -> Result<(), Trouble> {
    let body = String::from_utf8_lossy(&message.body);
    let mut call = to.client().send_message().queue_url(to.url().await?).message_body(body);
    if !original.attributes.is_empty() {
        call = call.set_message_attributes(Some(original.attributes.clone()));
    }
    if to.is_fifo() {
        let group = original.group.as_deref().unwrap_or(GROUP);
        call =
            call.message_group_id(group).set_message_deduplication_id(message.header("sqs-message-id").map(Into::into));
    }
    call.send().await.map(drop).map_err(|error| Trouble::of_call(&what(to), &error))
}

/// What is said where that takes too long.
pub(super) fn late(to: &Queue, limit: Duration) -> Trouble {
    Trouble::passing(format!("{}: the service has not answered within {limit:?}", what(to)))
}

fn what(to: &Queue) -> String {
    format!("the message cannot be copied to the dead-letter queue `{}`", to.name())
}
