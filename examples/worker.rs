//! A worker: it drains two queues in batches, refuses bad messages one by one, puts its results into a third queue, and ends
//! when it is told to, or when nothing has come for a while.
//!
//! ```console
//! $ cargo run --example worker            # 1,000 orders and 300 payments, out of a broker inside of the process
//! ```
//!
//! SIGINT or SIGTERM stops it: it takes no more messages, finishes those that it has, and says what it did.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use events::{
    Batch, Event, Failure, Lifespan, Memory, Message, Settlement, SinkExt as _, SourceExt as _, State, every, on, timed,
};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[derive(Debug, Event, Serialize, Deserialize, Validate)]
struct OrderPlaced {
    #[validate(length(min = 1))]
    customer: String,
    #[validate(range(min = 1, max = 100))]
    pieces: u32,
}

#[derive(Debug, Event, Serialize, Deserialize)]
struct PaymentArrived {
    customer: String,
    cents: i64,
}

/// What the worker puts out: how many pieces of one batch each customer has ordered.
#[derive(Debug, Event, Serialize, Deserialize)]
struct PiecesCounted {
    pieces: BTreeMap<String, u32>,
}

/// What has been done so far.
#[derive(Debug, Default)]
struct Tally(Mutex<Counts>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    orders: usize,
    batches: usize,
    cents: i64,
    refused: usize,
}

impl Tally {
    fn add(&self, add: impl FnOnce(&mut Counts)) {
        add(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn counts(&self) -> Counts {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One statement for many rows is what batches are for.
#[on(batch = 100, within = "200ms", concurrency = 2)]
#[timed("count orders")]
async fn count_orders(batch: Batch<OrderPlaced>, tally: State<Tally>) -> PiecesCounted {
    let mut pieces = BTreeMap::new();
    for order in batch.iter() {
        *pieces.entry(order.customer.clone()).or_insert(0) += order.pieces;
    }
    tokio::time::sleep(Duration::from_millis(5)).await; // the statement
    tally.add(|counts| {
        counts.orders += batch.len();
        counts.batches += 1;
    });
    PiecesCounted { pieces }
}

/// A payment of nothing is refused alone; the others of its batch are booked.
#[on(batch = 50, within = "200ms")]
async fn book_payments(batch: Batch<PaymentArrived>, tally: State<Tally>) {
    for payment in batch.items() {
        if payment.cents <= 0 {
            payment.mark().reject();
        } else {
            tally.add(|counts| counts.cents += payment.cents);
        }
    }
}

#[on(startup)]
fn open() {
    println!("open");
}

#[on(shutdown)]
fn close(tally: State<Tally>) {
    let Counts { orders, batches, cents, refused } = tally.counts();
    println!("{orders} orders in {batches} batches, {cents} cents, {refused} messages that are no orders");
}

#[on(failure)]
fn refuse(failure: &Failure, tally: State<Tally>) {
    if failure.event().is_none() {
        tally.add(|counts| counts.refused += 1);
    }
    eprintln!("{failure}");
}

/// Ends the worker when its queues are empty, since nobody fills them while it runs.
#[every("100ms")]
async fn look(memory: State<Memory>, app: Lifespan) {
    if ["orders", "payments"].iter().all(|queue| memory.len(queue) == 0) {
        tokio::spawn(async move { app.shutdown().await });
    }
}

/// What others have put into the queues.
fn filled() -> Memory {
    let memory = Memory::new();
    memory.bind("results", "pieces-counted");
    let put = |queue, body: String| memory.put(queue, Message { body: body.into(), ..Message::default() });
    for number in 0..1_000 {
        // Each hundredth is no order.
        let pieces = if number % 100 == 99 { 0 } else { 1 + number % 7 };
        let body = format!(r#"{{"customer":"customer {}","pieces":{pieces}}}"#, number % 10);
        put("orders", body).expect("there is room");
    }
    for number in 0..300 {
        let cents = if number % 60 == 0 { 0 } else { 100 };
        put("payments", format!(r#"{{"customer":"customer {}","cents":{cents}}}"#, number % 10))
            .expect("there is room");
    }
    memory
}

#[tokio::main]
async fn main() -> events::Exit {
    let memory = filled();
    let orders = memory.source("orders").named("order-placed").prefetch(500).concurrency(500);
    let payments = memory.source("payments").named("payment-arrived").on_failure(Settlement::Requeue);
    let builder = Lifespan::builder()
        .origin("/worker")
        .state(Tally::default())
        .state(memory.clone())
        .on_timing(|timing| {
            if timing.max() > Duration::from_secs(1) {
                eprintln!("slow: {timing}");
            }
        })
        .source(orders)
        .source(payments)
        .sink("pieces-counted", memory.sink().only());
    let exit = events::run(builder).await;
    println!("{} results, {} payments refused", memory.len("results"), memory.take_rejected("payments").len());
    exit
}
