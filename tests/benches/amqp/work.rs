//! The work that is done in each way.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use events::{Event, State, on};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::broker::Broker;
use crate::figures::{self, Measured};
use crate::own::Own;
use crate::raw::Raw;

/// How many messages the broker delivers ahead.
pub(crate) const PREFETCH: u16 = 100;
/// How many messages are published before the first is confirmed.
pub(crate) const WINDOW: u32 = 1000;
/// How many scopes share that window.
pub(crate) const PRODUCERS: u32 = 4;
/// How many scopes with one event each there are at a time.
pub(crate) const SCOPES: u32 = 64;
pub(crate) const QUEUE: &str = "parcels";

/// All numbers have as many digits.
const FIRST: u32 = 1_000_000;

#[derive(Debug, Event, Serialize, Deserialize)]
pub(crate) struct Parcel {
    number: u32,
    text: String,
}

impl Parcel {
    /// One whose JSON has so many bytes.
    pub(crate) fn new(number: u32, size: usize) -> Self {
        let number = FIRST + number;
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
    left: AtomicU32,
    first: OnceLock<Instant>,
    took: OnceLock<Duration>,
    done: Notify,
}

impl Meter {
    pub(crate) fn new(messages: u32) -> Self {
        Self { left: messages.into(), first: OnceLock::new(), took: OnceLock::new(), done: Notify::new() }
    }

    pub(crate) fn count(&self, parcel: &Parcel) {
        let first = self.first.get_or_init(Instant::now);
        assert!(parcel.number >= FIRST, "it was decoded");
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Events,
    Lapin,
}

impl Way {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Lapin => "lapin",
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Consume,
    Publish,
    Scopes,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    kind: Kind,
    size: usize,
    pub(crate) messages: u32,
}

impl Question {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let kinds = [(Kind::Consume, 5000), (Kind::Publish, 5000), (Kind::Scopes, 3200)];
        kinds.into_iter().flat_map(|(kind, messages)| [100, 1024].map(|size| Self { kind, size, messages }))
    }

    pub(crate) fn name(self) -> String {
        let kind = match self.kind {
            Kind::Consume => "consume",
            Kind::Publish => "publish",
            Kind::Scopes => "scopes",
        };
        format!("{kind} {} B", self.size)
    }
}

/// What both ways need for a question.
pub(crate) struct Stage {
    question: Question,
    raw: Raw,
    own: Own,
}

impl Stage {
    pub(crate) async fn new(broker: &Broker, question: Question) -> Self {
        Self { question, raw: Raw::new(broker).await, own: Own::new(broker).await }
    }

    pub(crate) async fn measure(&self, way: Way) -> Measured {
        let Question { kind, size, messages } = self.question;
        self.raw.purge().await;
        if matches!(kind, Kind::Consume) {
            self.raw.publish(messages, size).await;
        }
        let (cpu, begun) = (figures::cpu(), Instant::now());
        let mut from_first_to_last = None;
        match (kind, way) {
            (Kind::Consume, Way::Events) => from_first_to_last = Some(self.own.consume(messages).await),
            (Kind::Consume, Way::Lapin) => from_first_to_last = Some(self.raw.consume(messages).await),
            (Kind::Publish, Way::Events) => self.own.publish(messages, size).await,
            (Kind::Publish, Way::Lapin) => self.raw.publish(messages, size).await,
            (Kind::Scopes, Way::Events) => self.own.scopes(messages, size, SCOPES, 1).await,
            (Kind::Scopes, Way::Lapin) => self.raw.scopes(messages, size).await,
        }
        let time = from_first_to_last.unwrap_or_else(|| begun.elapsed());
        Measured { time, cpu: figures::cpu().saturating_sub(cpu) }
    }

    pub(crate) async fn end(self) {
        self.own.end().await;
    }
}
