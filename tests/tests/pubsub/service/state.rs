//! What the server keeps, and what it answers.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, SystemTime};

use gcloud_googleapis::pubsub::v1::{
    AcknowledgeRequest, ModifyAckDeadlineRequest, PublishRequest, PublishResponse, PubsubMessage, StreamingPullRequest,
};
use http::HeaderMap;
use prost::Message as _;
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::{Code, Status};

use super::codec::Bytes;
use super::subscription::Subscription;

/// What a subscription is made with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) is_ordered: bool,
    pub(crate) is_exactly_once: bool,
    /// The topic, and after how many deliveries a message goes there.
    pub(crate) dead_letters: Option<(String, i32)>,
    /// Whether the headers of a stream come with its first message.
    pub(crate) is_late: bool,
}

/// What was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) headers: HeaderMap,
    /// Of messages that are published.
    pub(crate) bodies: Vec<String>,
    pub(crate) ids: Vec<String>,
    pub(crate) seconds: i32,
    pub(crate) is_answered: bool,
}

#[derive(Default)]
pub(crate) struct State {
    topics: HashMap<String, Vec<String>>,
    subscriptions: HashMap<String, Subscription>,
    /// Which subscription a stream reads.
    streams: HashMap<u64, String>,
    published: u64,
    opened: u64,
    pings: usize,
    /// What is said of the first id of so many acknowledgements, where delivery is exactly once.
    failing_ids: (&'static str, usize),
    failing: HashMap<&'static str, VecDeque<Code>>,
    holding: HashMap<String, watch::Sender<bool>>,
    /// The calls that had to wait.
    asked: HashMap<String, usize>,
    calls: Vec<(String, Call)>,
}

fn decoded<M: prost::Message + Default>(bytes: Bytes) -> Result<M, Status> {
    M::decode(bytes).map_err(|error| Status::invalid_argument(error.to_string()))
}

impl State {
    pub(super) fn subscribe(&mut self, topic: &str, subscription: &str, options: Options) {
        self.topics.entry(topic.to_owned()).or_default().push(subscription.to_owned());
        self.subscriptions.insert(subscription.to_owned(), Subscription::new(options));
    }

    pub(super) fn fail(&mut self, method: &'static str, code: Code, times: usize) {
        self.failing.entry(method).or_default().extend(std::iter::repeat_n(code, times));
    }

    /// Answers no call of a method, until it is told to.
    pub(crate) fn hold(&mut self, method: &str) {
        self.holding.insert(method.to_owned(), watch::Sender::new(true));
    }

    pub(crate) fn release(&mut self, method: &str) {
        if let Some(held) = self.holding.remove(method) {
            held.send_replace(false);
        }
    }

    /// How many calls of a method wait.
    pub(crate) fn waiting(&self, method: &str) -> usize {
        self.holding.get(method).map_or(0, watch::Sender::receiver_count)
    }

    pub(crate) fn fail_ids(&mut self, reason: &'static str, times: usize) {
        self.failing_ids = (reason, times);
    }

    /// The messages that a subscription has.
    pub(crate) fn kept(&self, subscription: &str) -> Vec<PubsubMessage> {
        let kept = self.subscriptions[subscription].kept();
        kept.map(|bytes| PubsubMessage::decode(bytes.clone()).expect("a message")).collect()
    }

    /// How many messages of a subscription somebody has.
    pub(crate) fn out(&self, subscription: &str) -> usize {
        self.subscriptions[subscription].out()
    }

    /// How many calls of a method had to wait.
    pub(crate) fn asked(&self, method: &str) -> usize {
        self.asked.get(method).copied().unwrap_or_default()
    }

    pub(super) fn held(&mut self, method: &str) -> Option<watch::Receiver<bool>> {
        let held = self.holding.get(method)?.subscribe();
        *self.asked.entry(method.to_owned()).or_default() += 1;
        Some(held)
    }

    pub(super) fn backlog(&self, subscription: &str) -> usize {
        self.subscriptions[subscription].backlog()
    }

    pub(super) fn calls(&self, method: &str) -> Vec<Call> {
        self.calls.iter().filter(|(known, _)| known == method).map(|(_, call)| call.clone()).collect()
    }

    pub(super) fn count_ping(&mut self) {
        self.pings += 1;
    }

    pub(crate) fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Has a subscription deliver bytes instead of a message.
    pub(crate) fn break_next(&mut self, subscription: &str, bytes: Vec<u8>) {
        self.published += 1;
        self.subscriptions.get_mut(subscription).expect("there is one").put(self.published, bytes, String::new());
    }

    /// Has the deadlines of all messages pass that were delivered.
    pub(crate) fn expire(&mut self, subscription: &str) {
        self.subscriptions.get_mut(subscription).expect("there is one").expire_all();
    }

    pub(super) fn answer(&mut self, method: &str, headers: &HeaderMap, request: Bytes) -> Result<Vec<u8>, Status> {
        let call = Call { headers: headers.clone(), ..Call::default() };
        let fails = self.failing.get_mut(method).and_then(VecDeque::pop_front);
        let at = self.calls.len();
        self.calls.push((method.to_owned(), call));
        let answer = match method {
            "Publish" => self.publish(decoded(request)?, fails),
            "Acknowledge" => self.acknowledge(&decoded(request)?, fails),
            _ => self.modify(&decoded(request)?, fails),
        };
        self.calls[at].1.is_answered = answer.is_ok();
        answer
    }

    fn noted(&mut self) -> &mut Call {
        &mut self.calls.last_mut().expect("there was one").1
    }

    fn publish(&mut self, request: PublishRequest, fails: Option<Code>) -> Result<Vec<u8>, Status> {
        let call = self.noted();
        call.name.clone_from(&request.topic);
        call.bodies = request.messages.iter().map(|known| String::from_utf8_lossy(&known.data).into_owned()).collect();
        refuse(fails)?;
        let Some(subscriptions) = self.topics.get(&request.topic).cloned() else {
            return Err(Status::not_found(format!("Resource not found (resource={})", request.topic)));
        };
        check(&request)?;
        let mut message_ids = Vec::new();
        for mut message in request.messages {
            self.published += 1;
            message.message_id = self.published.to_string();
            message.publish_time = Some(SystemTime::now().into());
            message_ids.push(message.message_id.clone());
            for name in &subscriptions {
                let subscription = self.subscriptions.get_mut(name).expect("it is there");
                subscription.put(self.published, message.encode_to_vec(), message.ordering_key.clone());
            }
        }
        Ok(PublishResponse { message_ids }.encode_to_vec())
    }

    fn subscription(&mut self, name: &str) -> Result<&mut Subscription, Status> {
        let missing = || Status::not_found(format!("Resource not found (resource={name})"));
        self.subscriptions.get_mut(name).ok_or_else(missing)
    }

    fn acknowledge(&mut self, request: &AcknowledgeRequest, fails: Option<Code>) -> Result<Vec<u8>, Status> {
        let call = self.noted();
        (call.name, call.ids) = (request.subscription.clone(), request.ack_ids.clone());
        refuse(fails)?;
        let reason = self.failing_ids.1.checked_sub(1).map(|left| {
            self.failing_ids.1 = left;
            self.failing_ids.0
        });
        self.subscription(&request.subscription)?.acknowledge(&request.ack_ids, reason)?;
        Ok(Vec::new())
    }

    fn modify(&mut self, request: &ModifyAckDeadlineRequest, fails: Option<Code>) -> Result<Vec<u8>, Status> {
        let call = self.noted();
        (call.name, call.ids) = (request.subscription.clone(), request.ack_ids.clone());
        call.seconds = request.ack_deadline_seconds;
        refuse(fails)?;
        let seconds = u64::try_from(request.ack_deadline_seconds).ok().filter(|seconds| *seconds <= 600);
        let seconds = seconds.ok_or_else(|| Status::invalid_argument("a deadline has 0 to 600 seconds"))?;
        let subscription = self.subscription(&request.subscription)?;
        let dead = subscription.modify(&request.ack_ids, Duration::from_secs(seconds))?;
        self.bury(dead);
        Ok(Vec::new())
    }

    /// Publishes messages to the topics of their dead letters.
    fn bury(&mut self, dead: Vec<(String, Vec<u8>)>) {
        for (topic, bytes) in dead {
            let message = PubsubMessage::decode(&*bytes).expect("it was read before");
            let request = PublishRequest { topic, messages: vec![message] };
            self.calls.push(("Bury".into(), Call::default()));
            self.publish(request, None).expect("a topic");
        }
    }

    pub(super) fn open(&mut self, headers: &HeaderMap, request: &StreamingPullRequest) -> Result<(u64, bool), Status> {
        let call = Call {
            name: request.subscription.clone(),
            headers: headers.clone(),
            seconds: request.stream_ack_deadline_seconds,
            ..Call::default()
        };
        self.calls.push(("StreamingPull".into(), call));
        refuse(self.failing.get_mut("StreamingPull").and_then(VecDeque::pop_front))?;
        if !(10..=600).contains(&request.stream_ack_deadline_seconds) {
            return Err(Status::invalid_argument("a stream's deadline has 10 to 600 seconds"));
        }
        self.opened += 1;
        let number = self.opened;
        let is_late = self.subscription(&request.subscription)?.open(number, request);
        self.streams.insert(number, request.subscription.clone());
        self.noted().is_answered = true;
        Ok((number, is_late))
    }

    /// What a stream is to send now, and when it may have something else.
    pub(super) fn deliver(&mut self, stream: u64) -> (Option<Vec<u8>>, Option<Instant>) {
        let Some(name) = self.streams.get(&stream) else { return (None, None) };
        let subscription = self.subscriptions.get_mut(name).expect("it is there");
        let dead = subscription.expire(Instant::now());
        let delivered = subscription.deliver(stream);
        let next = subscription.next_expiry();
        self.bury(dead);
        (delivered, next)
    }

    pub(super) fn close(&mut self, stream: u64) {
        if let Some(name) = self.streams.remove(&stream) {
            self.subscriptions.get_mut(&name).expect("it is there").close(stream);
        }
    }

    /// How often a stream was kept alive.
    pub(crate) fn pings(&self) -> usize {
        self.pings
    }
}

fn refuse(code: Option<Code>) -> Result<(), Status> {
    code.map_or(Ok(()), |code| Err(Status::new(code, "told to fail")))
}

/// What the service says of a request.
fn check(request: &PublishRequest) -> Result<(), Status> {
    let invalid = |text: &str| Err(Status::invalid_argument(text.to_owned()));
    if request.messages.is_empty() || request.messages.len() > 1000 || request.encoded_len() > 10_000_000 {
        return invalid("a request has 1 to 1000 messages, and 10 MB at most");
    }
    let key = &request.messages[0].ordering_key;
    if request.messages.iter().any(|message| message.ordering_key != *key) {
        return invalid("a request has messages of one ordering key");
    }
    let too_long = |attributes: &HashMap<String, String>| {
        attributes.len() > 100 || attributes.iter().any(|(name, value)| name.len() > 256 || value.len() > 1024)
    };
    if request.messages.iter().any(|message| too_long(&message.attributes)) {
        return invalid("attributes past the limits");
    }
    if request.messages.iter().any(|message| message.data.is_empty() && message.attributes.is_empty()) {
        return invalid("a message is empty");
    }
    // As if the service had a rule that nobody here knows.
    if request.messages.iter().any(|message| message.data == b"\"forbidden\"") {
        return invalid("a message is forbidden");
    }
    Ok(())
}
