//! The work that is done in each way.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use events::{Event, State, on};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::broker::Broker;
use crate::own::Own;
use crate::raw::Raw;

/// How many messages the broker delivers ahead.
pub(crate) const PREFETCH: u16 = 100;
/// How many messages are published before the first is confirmed, and how many there are in a scope.
pub(crate) const WINDOW: usize = 1000;
/// How many scopes with one event each there are at a time.
pub(crate) const SCOPES: u64 = 64;
pub(crate) const QUEUE: &str = "parcels";

#[derive(Debug, Event, Serialize, Deserialize)]
pub(crate) struct Parcel {
    number: u64,
    text: String,
}

impl Parcel {
    /// One whose JSON has so many bytes.
    pub(crate) fn new(number: u64, size: usize) -> Self {
        let number = 1_000_000 + number;
        Self { number, text: "x".repeat(size - r#"{"number":1000000,"text":""}"#.len()) }
    }
}

/// The handler, of both.
#[on]
pub(crate) async fn handle(event: &Parcel, meter: State<Meter>) {
    meter.count(event);
}

/// Counts messages, and the time from the first to the last.
#[derive(Debug)]
pub(crate) struct Meter {
    left: AtomicU64,
    first: OnceLock<Instant>,
    took: OnceLock<Duration>,
    done: Notify,
}

impl Meter {
    pub(crate) fn new(messages: u64) -> Self {
        Self { left: messages.into(), first: OnceLock::new(), took: OnceLock::new(), done: Notify::new() }
    }

    pub(crate) fn count(&self, parcel: &Parcel) {
        let first = self.first.get_or_init(Instant::now);
        assert!(parcel.number >= 1_000_000);
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            let _ = self.took.set(first.elapsed());
            self.done.notify_one();
        }
    }

    pub(crate) async fn took(&self) -> Duration {
        loop {
            if let Some(took) = self.took.get() {
                return *took;
            }
            self.done.notified().await;
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Events,
    Raw,
}

pub(crate) const WAYS: [Way; 2] = [Way::Events, Way::Raw];

impl Way {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Raw => "lapin",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Consume,
    Publish,
    Scopes,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    pub(crate) kind: Kind,
    pub(crate) size: usize,
    pub(crate) messages: u64,
}

impl Question {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let kinds = [(Kind::Consume, 10_000), (Kind::Publish, 10_000), (Kind::Scopes, 6_400)];
        kinds.into_iter().flat_map(|(kind, messages)| [100, 1024].map(|size| Self { kind, size, messages }))
    }

    pub(crate) fn name(self) -> String {
        format!("{:?} {} B", self.kind, self.size).to_lowercase()
    }
}

pub(crate) struct Stage {
    question: Question,
    raw: Raw,
    own: Own,
}

impl Stage {
    pub(crate) async fn new(broker: &Broker, question: Question) -> Self {
        Self { question, raw: Raw::new(broker).await, own: Own::new(broker).await }
    }

    /// Messages a second.
    pub(crate) async fn rate(&self, way: Way) -> f64 {
        let Question { kind, size, messages } = self.question;
        self.raw.purge().await;
        if matches!(kind, Kind::Consume) {
            self.raw.publish(messages, size).await;
        }
        let begun = Instant::now();
        let took = match (kind, way) {
            (Kind::Consume, Way::Events) => self.own.consume(messages).await,
            (Kind::Consume, Way::Raw) => self.raw.consume(messages).await,
            (Kind::Publish, Way::Events) => self.own.publish(messages, size).await,
            (Kind::Publish, Way::Raw) => self.raw.publish(messages, size).await,
            (Kind::Scopes, Way::Events) => self.own.scopes(messages, size).await,
            (Kind::Scopes, Way::Raw) => self.raw.scopes(messages, size).await,
        };
        let took = took.unwrap_or_else(|| begun.elapsed());
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let rate = messages as f64 / took.as_secs_f64();
        rate
    }

    pub(crate) async fn end(self) {
        self.own.end().await;
    }
}
