//! A shop and its warehouse, with a FIFO queue of Amazon SQS between them: the shop sends its orders in the order of each customer,
//! and the warehouse packs them; what is not on the shelf yet comes again later, what nobody can deliver is a dead letter.
//!
//! ```console
//! $ cargo run --example sqs               # with a queue inside of the process
//! $ aws sqs create-queue --queue-name orders-dead.fifo --attributes FifoQueue=true
//! $ aws sqs create-queue --queue-name orders.fifo --attributes '{"FifoQueue": "true", "RedrivePolicy":
//!       "{\"deadLetterTargetArn\":\"arn:aws:sqs:eu-central-1:123456789012:orders-dead.fifo\",\"maxReceiveCount\":\"5\"}"}'
//! $ cargo run --example sqs -- --sqs https://sqs.eu-central-1.amazonaws.com/123456789012/orders.fifo
//! ```
//!
//! The queue inside of the process knows neither groups nor duplicates, nor pauses: there, the handler sees an order twice. With
//! Amazon's, the program works until SIGINT or SIGTERM. Started again within five minutes, it has nothing to pack: the queue knows
//! those orders.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::process::{ExitCode, Termination as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use events::sqs::aws_config::{self, BehaviorVersion};
use events::sqs::{Sqs, aws_sdk_sqs, http_client};
use events::{
    Envelope, Event, Exit, Failure, Lifespan, Mark, Memory, Sink, SinkExt as _, Source, SourceExt as _, State,
    dispatch, every, on,
};
use serde::{Deserialize, Serialize};

const USAGE: &str = "\
Sends orders through a queue, and packs them.

usage: sqs [--sqs URL [--endpoint URL]] [--help]

  --sqs URL       a FIFO queue of Amazon SQS, which is worked on until a signal comes; region
                  and credentials are those of the environment; without it, a queue inside
                  of the process, until it is empty
  --endpoint URL  another place for the service, such as a stand-in's

exit code: 0 when nothing was lost; 1 when the work did not begin; 2 when its end was not
clean; 130 or 143 when a second SIGINT or SIGTERM forced it.
";

#[derive(Debug, Event, Serialize, Deserialize)]
struct OrderPlaced {
    number: u32,
    customer: String,
    article: String,
}

/// What the warehouse has done.
#[derive(Debug, Default)]
struct Warehouse(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    /// The orders of each customer, as they were packed.
    packed: BTreeMap<String, Vec<u32>>,
    not_on_the_shelf: BTreeSet<u32>,
    rejected: usize,
    twice: usize,
}

impl Warehouse {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error has the order come again, after a pause, and before the customer's next one; a rejected one does not come again.
#[on(group = "warehouse")]
async fn pack(order: &OrderPlaced, warehouse: State<Warehouse>, mark: Mark) -> Result<(), String> {
    let mut book = warehouse.book();
    if order.customer.is_empty() {
        book.rejected += 1;
        mark.reject();
        return Ok(());
    }
    // The shelf is filled when somebody has asked.
    if order.article == "salmon" && book.not_on_the_shelf.insert(order.number) {
        return Err(format!("order {}: there is no salmon on the shelf", order.number));
    }
    let packed = book.packed.entry(order.customer.clone()).or_default();
    if packed.contains(&order.number) {
        book.twice += 1;
    } else {
        packed.push(order.number);
    }
    Ok(())
}

#[on(failure)]
fn tell(failure: &Failure) {
    eprintln!("{failure}");
}

#[on(shutdown, group = "warehouse")]
fn sum_up(warehouse: State<Warehouse>) {
    let book = warehouse.book();
    for (customer, orders) in &book.packed {
        println!("{customer}: {orders:?}");
    }
    let packed: usize = book.packed.values().map(Vec::len).sum();
    let Book { not_on_the_shelf, rejected, twice, .. } = &*book;
    println!("{packed} packed, {} of them later, {rejected} rejected, {twice} seen twice", not_on_the_shelf.len());
}

/// Ends the warehouse when the queue inside of the process is empty, since nobody fills it any more.
#[every("50ms", group = "warehouse")]
async fn look(memory: Option<State<Memory>>, app: Lifespan) {
    if memory.is_some_and(|memory| memory.len("orders") == 0) {
        tokio::spawn(async move { app.shutdown().await });
    }
}

/// What has been ordered: the eighth has nowhere to go, and somebody has pressed the button twice for the fifth.
fn orders() -> impl Iterator<Item = OrderPlaced> {
    let order = |number: u32| OrderPlaced {
        number,
        customer: if number == 8 { "" } else { ["Ann", "Tom", "Kit"][number as usize % 3] }.into(),
        article: if number.is_multiple_of(4) { "salmon" } else { "tuna" }.into(),
    };
    (0..12).chain([5]).map(order)
}

/// Sends all orders, or says that it could not.
async fn sell(sink: impl Sink) -> Result<(), Box<dyn Error>> {
    let shop = Lifespan::builder().origin("/shop").without_group("warehouse").sink("order-placed", sink.only());
    let shop = shop.start().await?;
    let sent = shop.scope(async { orders().try_for_each(dispatch) }).await;
    let report = shop.shutdown().await?;
    sent?;
    if report.is_clean() { Ok(()) } else { Err("not all orders could be sent".into()) }
}

async fn in_process() -> Result<Exit, Box<dyn Error>> {
    let memory = Memory::new();
    memory.bind("orders", "order-placed");
    sell(memory.sink()).await?;
    Ok(work(memory.source("orders"), Some(memory)).await)
}

async fn on_sqs(url: &str, endpoint: Option<String>) -> Result<Exit, Box<dyn Error>> {
    let sqs = connected(endpoint).await;
    // What has no order in it has no group of its own either: it goes the way of all that have an empty name.
    let customer = |event: &Envelope| order(event).map_or_else(String::new, |order| order.customer.clone());
    let number =
        |event: &Envelope| order(event).map_or_else(|| event.id().to_string(), |order| order.number.to_string());
    sell(sqs.sink(url).grouped_by(customer).deduplicated_by(number)).await?;
    let source = sqs.source(url).requeue_after(Duration::from_secs(1)..=Duration::from_mins(1));
    Ok(work(source, None).await)
}

fn order(envelope: &Envelope) -> Option<&OrderPlaced> {
    envelope.event()?.downcast_ref()
}

async fn connected(endpoint: Option<String>) -> Sqs {
    let Some(endpoint) = endpoint else { return Sqs::from_env().await };
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client()).endpoint_url(endpoint);
    Sqs::with_client(aws_sdk_sqs::Client::new(&config.load().await))
}

/// The warehouse, until it is told to end: what it has begun to pack it packs, and the rest stays in the queue.
async fn work(source: impl Source, memory: Option<Memory>) -> Exit {
    let mut warehouse = Lifespan::builder().origin("/warehouse").state(Warehouse::default());
    if let Some(memory) = memory {
        warehouse = warehouse.state(memory);
    }
    events::run(warehouse.source(source.prefetch(20))).await
}

/// What the command line asks for.
#[derive(Default)]
struct Request {
    queue: Option<String>,
    endpoint: Option<String>,
    is_help: bool,
}

impl Request {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut request = Self::default();
        while let Some(arg) = args.next() {
            let value = match &*arg {
                "-h" | "--help" => return Ok(Self { is_help: true, ..request }),
                "--sqs" => &mut request.queue,
                "--endpoint" => &mut request.endpoint,
                _ => return Err(format!("unknown argument `{arg}`")),
            };
            *value = Some(args.next().ok_or_else(|| format!("`{arg}` needs a value"))?);
        }
        if request.queue.is_none() && request.endpoint.is_some() {
            return Err("`--endpoint` goes with `--sqs`: the queue inside of the process has none".into());
        }
        Ok(request)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    let done = match Request::parse(args) {
        Ok(Request { is_help: true, .. }) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Ok(Request { queue: Some(queue), endpoint, .. }) => on_sqs(&queue, endpoint).await.map(Exit::report),
        Ok(_) => in_process().await.map(Exit::report),
        Err(mistake) => Err(format!("{mistake}\n\n{USAGE}").into()),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}
