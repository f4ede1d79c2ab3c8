//! How often a message allocates, from its queue to its settlement. A binary of its own: it counts for the whole process.

use std::alloc::System;
use std::sync::atomic::{AtomicU32, Ordering};

use events::{CloudEvents, Envelope, Event, Format, IntoSource, Lifespan, Memory, Message, Pair, SourceExt as _, on};
use serde::Deserialize;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::sync::Notify;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

static LEFT: AtomicU32 = AtomicU32::new(0);
static NONE: Notify = Notify::const_new();

#[derive(Event, Deserialize)]
struct OrderPlaced {
    id: u64,
    quantity: u32,
}

const JSON: &str = r#"{"id":1000000,"quantity":37}"#;

#[on]
async fn count(event: &OrderPlaced) {
    assert_eq!((event.id, event.quantity), (1_000_000, 37));
    if LEFT.fetch_sub(1, Ordering::Relaxed) == 1 {
        NONE.notify_one();
    }
}

/// How often a lifespan allocates while it handles so many messages, its start and its end included.
async fn allocations<S: IntoSource>(
    message: &Message,
    times: u32,
    source: &impl Fn(events::MemorySource) -> S,
) -> usize {
    let memory = Memory::new();
    for _ in 0..times {
        memory.put("orders", message.clone()).expect("there is room");
    }
    LEFT.store(times, Ordering::Relaxed);
    let region = Region::new(ALLOCATOR);
    let app = Lifespan::builder().source(source(memory.source("orders"))).start().await.expect("a lifespan");
    NONE.notified().await;
    app.shutdown().await.expect("from outside");
    let allocations = region.change().allocations;
    assert_eq!(memory.len("orders"), 0);
    allocations
}

/// The difference of two runs, so that what a run needs of its own cancels out.
async fn each<S: IntoSource>(message: &Message, source: impl Fn(events::MemorySource) -> S) -> usize {
    const TIMES: u32 = 1000;
    let once = allocations(message, TIMES, &source).await;
    let twice = allocations(message, 2 * TIMES, &source).await;
    (twice - once).div_ceil(TIMES as usize)
}

/// The event, and the handler's future.
#[tokio::test(flavor = "current_thread")]
async fn a_message_of_numbers_allocates_twice() {
    let envelope = Envelope::new("order-placed", JSON).with_id("00c1d2b35f0f6e4e-17").with_origin("/shop");
    let named = Message { body: JSON.into(), ..Message::default() };
    assert_eq!(each(&named, |source| source.named("order-placed")).await, 2);
    let pair = Pair.encode(&envelope).expect("it can be written");
    assert_eq!(each(&pair, |source| source.format(Pair)).await, 2);
    let cloud = CloudEvents::binary().encode(&envelope).expect("it can be written");
    assert_eq!(each(&cloud, |source| source.format(CloudEvents::binary())).await, 2);
}
