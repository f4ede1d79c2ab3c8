//! A worker: it drains two queues in batches, refuses bad messages one by one, puts its results into a third queue, and ends
//! when it is told to, or when nothing has come for a while.
//!
//! ```console
//! $ cargo run --example worker            # 1,000 orders and 300 payments, out of a broker inside of the process
//! $ cargo run --example worker -- --amqp amqp://localhost --fill     # as many, out of RabbitMQ
//! ```
//!
//! SIGINT or SIGTERM stops it: it takes no more messages, finishes those that it has, and says what it did.
//!
//! What works here knows nothing of brokers: that is left to `queues.rs`.

use std::collections::BTreeMap;
use std::error::Error;
use std::process::{ExitCode, Termination as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use events::{
    Batch, Event, Exit, Failure, Lifespan, LifespanBuilder, Memory, Settlement, Sink, SinkExt as _, Source,
    SourceExt as _, State, every, on, timed,
};
use serde::{Deserialize, Serialize};
use validator::Validate;

#[path = "worker/arguments.rs"]
mod arguments;
#[path = "worker/queues.rs"]
mod queues;

use arguments::{Broker, Request, USAGE};

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

/// Ends the worker when the queues inside of the process are empty, since nobody fills them while it runs.
#[every("100ms")]
async fn look(memory: Option<State<Memory>>, app: Lifespan) {
    let Some(memory) = memory else { return };
    if ["orders", "payments"].iter().all(|queue| memory.len(queue) == 0) {
        tokio::spawn(async move { app.shutdown().await });
    }
}

/// The worker, wherever its messages come from and its results go.
fn worker(orders: impl Source, payments: impl Source, results: impl Sink) -> LifespanBuilder {
    Lifespan::builder()
        .origin("/worker")
        .state(Tally::default())
        .on_timing(|timing| {
            if timing.max() > Duration::from_secs(1) {
                eprintln!("slow: {timing}");
            }
        })
        .source(orders.named("order-placed").prefetch(500).concurrency(500))
        .source(payments.named("payment-arrived").on_failure(Settlement::Requeue))
        .sink("pieces-counted", results.only())
}

async fn work(broker: Broker) -> Result<Exit, Box<dyn Error>> {
    match broker {
        Broker::Memory => {
            let memory = queues::filled()?;
            let worker = worker(memory.source("orders"), memory.source("payments"), memory.sink());
            let exit = events::run(worker.state(memory.clone())).await;
            println!("{} results, {} payments refused", memory.len("results"), memory.take_rejected("payments").len());
            Ok(exit)
        }
        Broker::Amqp { url, fill } => {
            let (orders, payments, results) = queues::of_rabbitmq(&url, fill).await?;
            Ok(events::run(worker(orders, payments, results)).await)
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Request::parse(std::env::args_os().skip(1)) {
        Ok(Request::Help) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Ok(Request::Work(broker)) => work(broker).await.map(Exit::report),
        Err(mistake) => Err(format!("{mistake}\n\n{USAGE}").into()),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
