//! What is lost when something breaks: nothing. Each test keeps an account of every message.

mod account;
mod broken;
mod broker_killed;
mod connections;
mod queues;
mod workers;

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use events::amqp::AmqpQueue;
use events::{Event, Failure, Lifespan, Metadata, SinkExt as _, SourceExt as _, State, dispatch, on};
use futures_util::{StreamExt as _, stream};
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use serde::{Deserialize, Serialize};

use crate::broker::Broker;
use crate::support::start_with;
use account::{Account, Watched};

/// How many scopes there are at a time.
const SCOPES: usize = 8;
/// Short ones, so that what is there again is found soon.
const PAUSES: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(1);

#[derive(Event, Serialize, Deserialize)]
struct Parcel(u32);

#[on]
async fn handle(_: &Parcel, metadata: Metadata, account: Option<State<Account>>) {
    tokio::task::yield_now().await;
    account.expect("these tests have one").handled(&metadata);
}

#[on(failure)]
fn failed(failure: &Failure, account: Option<State<Account>>) {
    if let Some(account) = account {
        account.failed(failure.cause().to_string());
    }
}

/// Reads a queue.
async fn reader(broker: &Broker, queue: impl Into<AmqpQueue>, account: &Account) -> Lifespan {
    let lost = account.clone();
    let source = Watched::new(broker.amqp().source(queue), account).prefetch(50).backoff(PAUSES);
    let source = source.on_attempt(move |error, _| lost.lost(error.to_string()));
    start_with(Lifespan::builder().source(source).state(account.clone())).await.0
}

/// Publishes to a queue.
async fn writer(broker: &Broker, queue: &'static str, account: &Account) -> Lifespan {
    let sink = broker.amqp().sink("").routed_by(move |_| queue.into());
    // A broker that has just started may never confirm what it is sent: only the time-out ends that. With so many attempts an
    // outage of two minutes is outlived.
    let sink = Watched::new(sink, account).only().attempts(120).backoff(PAUSES).timeout(Duration::from_secs(5));
    start_with(Lifespan::builder().sink("parcel", sink)).await.0
}

/// Dispatches events with these numbers in scopes of so many, several at a time, and waits until each was published, or was given
/// up.
async fn publish<E: Event>(shop: &Lifespan, numbers: Range<u32>, scope: u32, event: fn(u32) -> E) {
    let ranges = numbers.clone().step_by(scope as usize).map(|first| first..numbers.end.min(first + scope));
    let scopes = ranges
        .map(|range| shop.scope(async move { range.for_each(|number| dispatch(event(number)).expect("accepted")) }));
    stream::iter(scopes).buffer_unordered(SCOPES).for_each(|()| async {}).await;
}

/// How many messages wait in a queue.
async fn ready(broker: &Broker, queue: &str) -> u32 {
    let (_connection, channel) = broker.raw().await;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let state = channel.queue_declare(queue.into(), passive, FieldTable::default()).await;
    state.expect("it is there").message_count()
}

/// Where faults come: printed, and another in each run, unless `EVENTS_TEST_SEED` says which.
#[derive(Clone)]
struct Seed(Arc<AtomicU64>);

impl Seed {
    fn new() -> Self {
        let given = std::env::var("EVENTS_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("later").subsec_nanos().into();
        let seed = given.unwrap_or_else(now);
        println!("EVENTS_TEST_SEED={seed}");
        Self(Arc::new(AtomicU64::new(seed)))
    }

    /// Some number of the range.
    fn pick(&self, range: Range<u32>) -> u32 {
        // SplitMix64.
        let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let picked = (mixed ^ (mixed >> 31)) % u64::from(range.end - range.start);
        range.start + u32::try_from(picked).expect("it is in the range")
    }
}
