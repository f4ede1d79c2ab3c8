//! Sends messages, ten in one call, and finds out what became of each.

use std::collections::{HashMap, HashSet};

use aws_sdk_sqs::types::{SendMessageBatchRequestEntry, SendMessageBatchResultEntry};

use super::message::{Draft, MAX_BYTES};
use super::queue::Queue;
use super::trouble::{Kind, Trouble};
use crate::sink::SinkError;

/// How many messages one call takes.
pub(super) const BATCH: usize = 10;
const WHAT: &str = "the service has not taken the message";

/// A message to be sent, and its place among the answers.
type Numbered<'a> = (usize, &'a Draft);

/// Sends in order, and answers for each. In a FIFO queue, no message is sent before another one of its group that came before
/// it and may be sent later.
pub(super) async fn send_all(queue: &Queue, drafts: &[Draft]) -> Vec<Result<(), SinkError>> {
    let mut answers: Vec<Result<(), SinkError>> = Vec::with_capacity(drafts.len());
    answers.resize_with(drafts.len(), || Ok(()));
    let mut left: Vec<Numbered<'_>> = drafts.iter().enumerate().collect();
    while !left.is_empty() {
        let (now, later) = cut(left, queue.is_fifo());
        left = later;
        let mut stopped = HashSet::new();
        match send_found(queue, &now).await {
            Ok(failed) => {
                for (number, trouble) in failed {
                    stopped.extend((trouble.kind == Kind::Passing).then_some(&drafts[number].group));
                    answers[number] = Err(trouble.into());
                }
            }
            // What is wrong with all of them is wrong with the others too.
            Err(trouble) => {
                for (number, _) in now.into_iter().chain(left) {
                    answers[number] = Err(trouble.clone().into());
                }
                return answers;
            }
        }
        if queue.is_fifo() {
            let behind = |(_, draft): &mut Numbered<'_>| stopped.contains(&draft.group);
            for (number, _) in left.extract_if(.., behind) {
                answers[number] = Err(SinkError::new("an event before it in its group has not been sent yet"));
            }
        }
    }
    answers
}

/// What goes into the next call, and what is left for those behind it.
fn cut(drafts: Vec<Numbered<'_>>, is_fifo: bool) -> (Vec<Numbered<'_>>, Vec<Numbered<'_>>) {
    let (mut now, mut later) = (Vec::with_capacity(BATCH), Vec::new());
    let (mut bytes, mut is_full, mut groups) = (0, false, HashSet::new());
    for (number, draft) in drafts {
        // One message of a call may fail while those behind it do not.
        let waits = is_fifo && !groups.insert(&draft.group);
        is_full |= !waits && (now.len() == BATCH || bytes + draft.bytes > MAX_BYTES);
        if waits || is_full {
            later.push((number, draft));
        } else {
            bytes += draft.bytes;
            now.push((number, draft));
        }
    }
    (now, later)
}

/// Which messages have failed.
type Failed = Vec<(usize, Trouble)>;

/// Sends in one call; where the service refuses the whole call for one message, each goes alone, so that it is found.
async fn send_found(queue: &Queue, drafts: &[Numbered<'_>]) -> Result<Failed, Trouble> {
    let trouble = match send(queue, drafts).await {
        Err(trouble) if trouble.kind == Kind::Unfit => trouble,
        other => return other,
    };
    if let [(number, _)] = drafts {
        return Ok(vec![(*number, trouble)]);
    }
    let mut failed = Vec::new();
    for alone in drafts {
        match send(queue, std::slice::from_ref(alone)).await {
            Ok(one) => failed.extend(one),
            Err(trouble) => failed.push((alone.0, trouble)),
        }
    }
    Ok(failed)
}

async fn send(queue: &Queue, drafts: &[Numbered<'_>]) -> Result<Failed, Trouble> {
    let mut call = queue.client().send_message_batch().queue_url(queue.url().await?);
    for (number, draft) in drafts {
        let entry = SendMessageBatchRequestEntry::builder().id(number.to_string()).message_body(&draft.body);
        let entry = entry.set_message_attributes(Some(draft.attributes.clone()).filter(|all| !all.is_empty()));
        let entry = entry.set_message_group_id(draft.group.clone());
        let entry = entry.set_message_deduplication_id(draft.deduplication.clone());
        call = call.entries(entry.build().map_err(|error| Trouble::passing(error.to_string()))?);
    }
    let answer = call.send().await.map_err(|error| Trouble::of_call(WHAT, &error))?;
    let sent: HashSet<&str> = answer.successful.iter().map(SendMessageBatchResultEntry::id).collect();
    let failed: HashMap<&str, _> = answer.failed.iter().map(|entry| (entry.id(), entry)).collect();
    let unsent = drafts.iter().filter_map(|(number, _)| {
        let id = number.to_string();
        let trouble = match failed.get(&*id) {
            Some(entry) => Trouble::of_entry(WHAT, entry),
            None if sent.contains(&*id) => return None,
            None => Trouble::passing(format!("{WHAT}: it has not answered for it")),
        };
        Some((*number, trouble))
    });
    Ok(unsent.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the messages go together, call by call.
    fn calls(sizes_and_groups: &[(usize, &str)], is_fifo: bool) -> Vec<Vec<usize>> {
        let draft = |&(bytes, group): &(usize, &str)| Draft {
            body: "null".into(),
            attributes: HashMap::new(),
            group: Some(group.into()),
            deduplication: None,
            bytes,
        };
        let drafts: Vec<_> = sizes_and_groups.iter().map(draft).collect();
        let (mut calls, mut left) = (Vec::new(), drafts.iter().enumerate().collect());
        loop {
            let (now, later) = cut(left, is_fifo);
            if now.is_empty() {
                return calls;
            }
            calls.push(now.into_iter().map(|(number, _)| number).collect());
            left = later;
        }
    }

    #[test]
    fn calls_have_ten_messages_and_a_mebibyte_at_most() {
        let ten: Vec<_> = (0..10).collect();
        assert_eq!(calls(&[(1, "a"); 23], false), [ten.clone(), (10..20).collect(), vec![20, 21, 22]]);
        let half = MAX_BYTES / 2;
        assert_eq!(calls(&[(half, "a"), (half, "a"), (1, "a")], false), [vec![0, 1], vec![2]]);
        assert_eq!(calls(&[(half, "a"), (half + 1, "a"), (1, "a")], false), [vec![0], vec![1, 2]]);
        // What comes behind one that has no room waits with it, so that the order is kept.
        assert_eq!(calls(&[(1, "a"), (MAX_BYTES, "a"), (1, "a")], false), [[0], [1], [2]]);
    }

    #[test]
    fn calls_to_fifo_queues_have_one_message_of_a_group() {
        let all = [(1, "a"), (1, "a"), (1, "b"), (1, "a"), (1, "c"), (1, "b")];
        assert_eq!(calls(&all, true), [vec![0, 2, 4], vec![1, 5], vec![3]]);
        assert_eq!(calls(&all, false), [vec![0, 1, 2, 3, 4, 5]]);
    }
}
