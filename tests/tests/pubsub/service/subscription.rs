//! The messages of one subscription: waiting, delivered, and due again.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use gcloud_googleapis::pubsub::v1::StreamingPullRequest;
use prost::Message;
use prost::bytes::Bytes;
use tokio::time::Instant;
use tonic::{Code, Status};

use super::state::Options;

/// A response whose messages may be broken: they are bytes.
#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(message, repeated, tag = "1")]
    received_messages: Vec<Received>,
    #[prost(message, optional, tag = "4")]
    subscription_properties: Option<Properties>,
}

#[derive(Clone, PartialEq, Message)]
struct Received {
    #[prost(string, tag = "1")]
    ack_id: String,
    #[prost(bytes = "bytes", tag = "2")]
    message: Bytes,
    #[prost(int32, tag = "3")]
    delivery_attempt: i32,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Properties {
    #[prost(bool, tag = "1")]
    exactly_once_delivery_enabled: bool,
    #[prost(bool, tag = "2")]
    message_ordering_enabled: bool,
}

/// `google.rpc.Status`, with the details that exactly-once delivery has.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Detail>,
}

#[derive(Clone, PartialEq, Message)]
struct Detail {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    domain: String,
    #[prost(map = "string, string", tag = "3")]
    metadata: HashMap<String, String>,
}

struct Stored {
    bytes: Bytes,
    key: String,
    deliveries: i32,
    /// Who has it, if somebody does.
    out: Option<Out>,
}

struct Out {
    ack_id: String,
    stream: u64,
    due: Instant,
}

struct Stream {
    deadline: Duration,
    prefetch: usize,
}

pub(super) struct Subscription {
    options: Options,
    messages: BTreeMap<u64, Stored>,
    streams: HashMap<u64, Stream>,
    delivered: u64,
}

impl Subscription {
    pub(super) fn new(options: Options) -> Self {
        Self { options, messages: BTreeMap::new(), streams: HashMap::new(), delivered: 0 }
    }

    pub(super) fn put(&mut self, number: u64, bytes: Vec<u8>, key: String) {
        self.messages.insert(number, Stored { bytes: bytes.into(), key, deliveries: 0, out: None });
    }

    pub(super) fn backlog(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn kept(&self) -> impl Iterator<Item = &Bytes> {
        self.messages.values().map(|stored| &stored.bytes)
    }

    pub(super) fn out(&self) -> usize {
        self.messages.values().filter(|stored| stored.out.is_some()).count()
    }

    pub(super) fn open(&mut self, stream: u64, request: &StreamingPullRequest) -> bool {
        let seconds = u64::try_from(request.stream_ack_deadline_seconds).expect("it was looked at");
        let prefetch = usize::try_from(request.max_outstanding_messages).unwrap_or(usize::MAX);
        self.streams.insert(stream, Stream { deadline: Duration::from_secs(seconds), prefetch });
        self.options.is_late
    }

    /// What a stream had is kept for it until its time is over, as the service does.
    pub(super) fn close(&mut self, stream: u64) {
        self.streams.remove(&stream);
    }

    pub(super) fn deliver(&mut self, stream: u64) -> Option<Vec<u8>> {
        let Stream { deadline, prefetch } = self.streams.get(&stream)?;
        let due = Instant::now() + *deadline;
        let out =
            self.messages.values().filter(|known| known.out.as_ref().is_some_and(|out| out.stream == stream)).count();
        let mut room = prefetch.saturating_sub(out).min(100);
        let (mut received_messages, mut blocked) = (Vec::new(), Vec::new());
        for stored in self.messages.values_mut() {
            let is_keyed = self.options.is_ordered && !stored.key.is_empty();
            let elsewhere = stored.out.as_ref().is_some_and(|out| out.stream != stream);
            if is_keyed && (elsewhere || (stored.out.is_none() && room == 0)) {
                // What is behind it stays behind it.
                blocked.push(stored.key.clone());
            }
            if stored.out.is_some() || room == 0 || (is_keyed && blocked.contains(&stored.key)) {
                continue;
            }
            room -= 1;
            self.delivered += 1;
            stored.deliveries += 1;
            let ack_id = format!("ack-{}", self.delivered);
            let delivery_attempt = if self.options.dead_letters.is_some() { stored.deliveries } else { 0 };
            received_messages.push(Received {
                ack_id: ack_id.clone(),
                message: stored.bytes.clone(),
                delivery_attempt,
            });
            stored.out = Some(Out { ack_id, stream, due });
        }
        if received_messages.is_empty() {
            return None;
        }
        let Options { is_exactly_once, is_ordered, .. } = self.options;
        let properties =
            Properties { exactly_once_delivery_enabled: is_exactly_once, message_ordering_enabled: is_ordered };
        Some(Response { received_messages, subscription_properties: Some(properties) }.encode_to_vec())
    }

    fn find(&self, ack_id: &str) -> Option<u64> {
        let is_it = |stored: &Stored| stored.out.as_ref().is_some_and(|out| out.ack_id == ack_id);
        self.messages.iter().find(|(_, stored)| is_it(stored)).map(|(number, _)| *number)
    }

    /// What is not known is an error where delivery is exactly once, and nothing otherwise.
    fn found(&self, ack_ids: &[String]) -> (Vec<u64>, Result<(), Status>) {
        let (mut numbers, mut unknown) = (Vec::new(), HashMap::new());
        for ack_id in ack_ids {
            match self.find(ack_id) {
                Some(number) => numbers.push(number),
                None => drop(unknown.insert(ack_id.clone(), "PERMANENT_FAILURE_INVALID_ACK_ID".to_owned())),
            }
        }
        let is_fine = unknown.is_empty() || !self.options.is_exactly_once;
        (numbers, if is_fine { Ok(()) } else { Err(about_ids(unknown)) })
    }

    /// The first id may be told to fail, for a reason.
    pub(super) fn acknowledge(&mut self, mut ack_ids: &[String], reason: Option<&str>) -> Result<(), Status> {
        let mut failed = HashMap::new();
        if let (Some(reason), Some((first, rest))) = (reason, ack_ids.split_first()) {
            failed.insert(first.clone(), reason.to_owned());
            ack_ids = rest;
        }
        let (numbers, result) = self.found(ack_ids);
        for number in &numbers {
            self.messages.remove(number);
        }
        if failed.is_empty() { result } else { Err(about_ids(failed)) }
    }

    /// Answers what goes to the dead letters.
    pub(super) fn modify(&mut self, ack_ids: &[String], time: Duration) -> Result<Vec<(String, Vec<u8>)>, Status> {
        let (numbers, result) = self.found(ack_ids);
        let due = Instant::now() + time;
        let mut dead = Vec::new();
        for number in numbers {
            match self.messages.get_mut(&number).and_then(|stored| stored.out.as_mut()) {
                Some(out) if !time.is_zero() => out.due = due,
                _ => dead.extend(self.give_back(number)),
            }
        }
        result.map(|()| dead)
    }

    /// Has a message delivered again, or takes it out for the dead letters.
    fn give_back(&mut self, number: u64) -> Option<(String, Vec<u8>)> {
        let stored = self.messages.get_mut(&number)?;
        stored.out = None;
        let (key, deliveries) = (stored.key.clone(), stored.deliveries);
        if self.options.is_ordered && !key.is_empty() {
            // Those behind it come again behind it.
            let behind = self.messages.range_mut(number..).filter(|(_, stored)| stored.key == key);
            behind.for_each(|(_, stored)| stored.out = None);
        }
        let (topic, limit) = self.options.dead_letters.as_ref()?;
        if deliveries < *limit {
            return None;
        }
        self.messages.remove(&number).map(|stored| (topic.clone(), stored.bytes.to_vec()))
    }

    /// Has those delivered again whose time is over; answers what goes to the dead letters.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<(String, Vec<u8>)> {
        let is_over = |stored: &Stored| stored.out.as_ref().is_some_and(|out| out.due <= now);
        let over: Vec<_> =
            self.messages.iter().filter(|(_, stored)| is_over(stored)).map(|(number, _)| *number).collect();
        over.into_iter().filter_map(|number| self.give_back(number)).collect()
    }

    pub(super) fn expire_all(&mut self) {
        let now = Instant::now();
        self.messages.values_mut().filter_map(|stored| stored.out.as_mut()).for_each(|out| out.due = now);
    }

    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.messages.values().filter_map(|stored| stored.out.as_ref()).map(|out| out.due).min()
    }
}

/// The error of a call about ids, with what became of each.
fn about_ids(metadata: HashMap<String, String>) -> Status {
    let info = ErrorInfo { reason: "ACK".into(), domain: "pubsub.googleapis.com".into(), metadata };
    let detail = Detail { type_url: "type.googleapis.com/google.rpc.ErrorInfo".into(), value: info.encode_to_vec() };
    let message = "Some acknowledgement ids in the request were invalid.".to_owned();
    let status = RpcStatus { code: Code::FailedPrecondition as i32, message: message.clone(), details: vec![detail] };
    Status::with_details(Code::FailedPrecondition, message, status.encode_to_vec().into())
}
