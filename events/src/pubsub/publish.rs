//! Publishes messages: how they are cut into requests, and what becomes of each.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use futures_util::future::join_all;
use prost::Message as _;
use prost::bytes::Bytes;
use tokio::sync::{Mutex, Semaphore};

use super::fault::Fault;
use super::proto::{PublishRequest, PublishResponse, PubsubMessage};
use super::service::{Link, Method, Service};
use crate::error::BoxError;
use crate::sink::SinkError;
use crate::telemetry::Destination;
use crate::wire::shown;

/// What the service takes of one request.
pub(super) const MESSAGES: usize = 1000;
const REQUEST_LEN: usize = 10_000_000;
/// What a message has around it in a request, at most.
const FRAME_LEN: usize = 8;
/// How many requests are under way at a time.
const PLACES: usize = 16;
/// A request takes no longer, also where nobody bounds the attempt that it belongs to.
const CALL_TIMEOUT: Duration = Duration::from_mins(1);

const PUBLISH: Method =
    Method { path: "/google.pubsub.v1.Publisher/Publish", resource: "topic", role: "roles/pubsub.publisher" };

/// A message that is ready to be published.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    key: String,
    bytes: Bytes,
}

/// The messages of one request, by their places among all.
type Batch = Vec<usize>;

/// Where the messages of a sink go to.
pub(super) struct Publisher {
    service: Service,
    pub(super) topic: String,
    link: Mutex<Option<Link>>,
    places: Semaphore,
}

impl Publisher {
    pub(super) fn destination(&self) -> Destination {
        self.service.destination(self.topic.clone())
    }

    pub(super) fn new(service: Service, topic: String) -> Self {
        Self { service, topic, link: Mutex::default(), places: Semaphore::new(PLACES) }
    }

    /// How many bytes the messages of a request may have.
    fn room(&self) -> usize {
        REQUEST_LEN.saturating_sub(self.topic.len() + FRAME_LEN)
    }

    pub(super) fn draft(&self, message: PubsubMessage) -> Result<Draft, BoxError> {
        let bytes: Bytes = message.encode_to_vec().into();
        if bytes.len() + FRAME_LEN > self.room() {
            return Err(format!("the message has {} bytes, and Pub/Sub takes {REQUEST_LEN}", bytes.len()).into());
        }
        Ok(Draft { key: message.ordering_key, bytes })
    }

    /// Publishes all, and answers for each.
    pub(super) async fn publish(&self, drafts: &[Draft]) -> Vec<Result<(), SinkError>> {
        let lanes = lanes(drafts, self.room());
        let unpublished = join_all(lanes.into_iter().map(|lane| self.publish_lane(lane, drafts))).await;
        let mut answers: Vec<_> = drafts.iter().map(|_| Ok(())).collect();
        for (place, error) in unpublished.into_iter().flatten() {
            answers[place] = Err(error);
        }
        answers
    }

    /// Publishes batches one after another, and answers what was not published. Behind one that another attempt may publish,
    /// nothing is: it would be in front of it then.
    async fn publish_lane(&self, mut lane: VecDeque<Batch>, drafts: &[Draft]) -> Vec<(usize, SinkError)> {
        let mut unpublished = Vec::new();
        while let Some(mut batch) = lane.pop_front() {
            let Err(fault) = self.request(&batch, drafts).await else { continue };
            if fault.is_of_one() && batch.len() > 1 {
                // Which one it is, is found out by halves.
                let second = batch.split_off(batch.len() / 2);
                lane.push_front(second);
                lane.push_front(batch);
                continue;
            }
            let fault = fault.at(&format!("cannot publish to `{}`", self.topic));
            let transient = fault.is_transient();
            let error =
                || if transient { SinkError::new(fault.to_string()) } else { SinkError::permanent(fault.to_string()) };
            unpublished.extend(batch.into_iter().map(|place| (place, error())));
            if transient {
                unpublished.extend(lane.drain(..).flatten().map(|place| (place, behind(&drafts[place].key))));
            }
        }
        unpublished
    }

    async fn request(&self, batch: &[usize], drafts: &[Draft]) -> Result<(), Fault> {
        let _place = self.places.acquire().await;
        let link = self.link().await?;
        let messages: Vec<_> = batch.iter().map(|place| drafts[*place].bytes.clone()).collect();
        let (topic, count) = (self.topic.clone(), messages.len());
        let request = PublishRequest { topic, messages };
        let answer = link.call(PUBLISH, &self.topic, request, CALL_TIMEOUT).await;
        if answer.as_ref().is_err_and(Fault::is_broken) {
            self.forget(&link).await;
        }
        let PublishResponse { message_ids } = answer?;
        if message_ids.len() == count {
            return Ok(());
        }
        Err(Fault::unreachable(format!("the service has answered for {} messages of {count}", message_ids.len())))
    }

    async fn link(&self) -> Result<Link, Fault> {
        let mut known = self.link.lock().await;
        if let Some(link) = &*known {
            return Ok(link.clone());
        }
        Ok(known.insert(self.service.open().await?).clone())
    }

    /// Has the next request go over another connection.
    async fn forget(&self, link: &Link) {
        self.link.lock().await.take_if(|known| known.is(link));
    }

    pub(super) async fn close(&self) {
        self.link.lock().await.take();
    }
}

fn behind(key: &str) -> SinkError {
    SinkError::new(format!("an earlier event with the ordering key `{}` was not published", shown(key)))
}

/// Which messages go together, and what goes one after another: what has one ordering key. A request has messages of one key.
fn lanes(drafts: &[Draft], room: usize) -> Vec<VecDeque<Batch>> {
    let mut by_key: Vec<(&str, Batch)> = Vec::new();
    let mut known = HashMap::new();
    for (place, draft) in drafts.iter().enumerate() {
        let at = *known.entry(draft.key.as_str()).or_insert_with(|| {
            by_key.push((&draft.key, Batch::new()));
            by_key.len() - 1
        });
        by_key[at].1.push(place);
    }
    let lanes = by_key.into_iter().flat_map(|(key, places)| {
        let batches = batches(&places, drafts, room);
        if key.is_empty() { batches.into_iter().map(|batch| [batch].into()).collect() } else { vec![batches.into()] }
    });
    lanes.collect()
}

fn batches(places: &[usize], drafts: &[Draft], room: usize) -> Vec<Batch> {
    let (mut batches, mut length) = (Vec::<Batch>::new(), 0);
    for place in places {
        let own = drafts[*place].bytes.len() + FRAME_LEN;
        match batches.last_mut().filter(|batch| batch.len() < MESSAGES && length + own <= room) {
            Some(batch) => {
                batch.push(*place);
                length += own;
            }
            None => {
                batches.push(vec![*place]);
                length = own;
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drafts(messages: &[(&str, usize)]) -> Vec<Draft> {
        let draft = |(key, length): &(&str, usize)| Draft { key: (*key).into(), bytes: vec![0; *length].into() };
        messages.iter().map(draft).collect()
    }

    #[test]
    fn what_has_one_key_goes_one_after_another_and_all_else_beside_it() {
        let drafts = drafts(&[("a", 1), ("", 1), ("b", 1), ("a", 1), ("", 1)]);
        assert_eq!(lanes(&drafts, 100), [[vec![0, 3]], [vec![1, 4]], [vec![2]]]);
    }

    #[test]
    fn a_request_has_no_more_than_the_service_takes() {
        let large = drafts(&[("a", 50), ("a", 30), ("a", 90), ("a", 1), ("", 92), ("", 92)]);
        assert_eq!(lanes(&large, 100), [vec![vec![0, 1], vec![2], vec![3]], vec![vec![4]], vec![vec![5]]]);
        let many = drafts(&vec![("", 0); 2001]);
        let lanes = lanes(&many, usize::MAX);
        assert_eq!(lanes.iter().map(|lane| lane[0].len()).collect::<Vec<_>>(), [1000, 1000, 1]);
    }
}
