//! A bridge: it follows a stream of events, refuses what is no order, and passes the orders on to two sinks, of which one fails
//! now and then, which changes nothing for the other.
//!
//! ```console
//! $ cargo run --example bridge                                      # follows a stream of its own, of 40 orders
//! $ cargo run --example bridge -- --from https://shop.example/orders
//! ```
//!
//! It ends when the shop closes, or with SIGINT or SIGTERM, and says what it did.

use std::error::Error;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use events::sse::{Feed, SseSource};
use events::{
    Envelope, Event, Exit, Failure, Lifespan, LifespanBuilder, Memory, Settlement, Sink, SinkError, SinkExt as _,
    SourceExt as _, State, on,
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use validator::Validate;

#[derive(Debug, Event, Serialize, Deserialize, Validate)]
struct OrderPlaced {
    #[validate(length(min = 1))]
    customer: String,
    #[validate(range(min = 1, max = 100))]
    pieces: u32,
}

#[derive(Debug, Event, Deserialize)]
struct ShopClosed;

/// The ledger of somebody else, which has a mind of its own.
#[derive(Clone, Debug, Default)]
struct Ledger {
    booked: Arc<AtomicUsize>,
}

impl Sink for Ledger {
    async fn send(&self, envelope: &Envelope) -> Result<(), SinkError> {
        let order: OrderPlaced = serde_json::from_slice(envelope.payload())?;
        if order.customer == "Kit" {
            return Err("the ledger takes nothing from Kit".into());
        }
        self.booked.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// What went wrong.
#[derive(Debug, Default)]
struct Tally {
    not_booked: AtomicUsize,
    refused: AtomicUsize,
}

/// What waits here for its delivery is delivered before the end.
#[on]
fn end(_: &ShopClosed, app: Lifespan) {
    tokio::spawn(async move { app.shutdown().await });
}

/// An order that cannot be booked is one with an event; what is no order has never become one.
#[on(failure)]
fn count(failure: &Failure, tally: State<Tally>) {
    let counter = if failure.event().is_some() { &tally.not_booked } else { &tally.refused };
    counter.fetch_add(1, Ordering::Relaxed);
    // Where that fails, nobody is left to be told.
    let _ = writeln!(io::stderr(), "{failure}");
}

#[on(shutdown)]
fn sum_up(tally: State<Tally>, archive: State<Memory>, ledger: State<Ledger>) -> io::Result<()> {
    let [booked, not_booked, refused] =
        [&*ledger.booked, &tally.not_booked, &tally.refused].map(|counter| counter.load(Ordering::Relaxed));
    let archived = archive.len("archive");
    writeln!(io::stdout(), "{archived} orders archived, {booked} booked, {not_booked} not booked, {refused} refused")
}

fn bridge(url: &str) -> Result<LifespanBuilder, Box<dyn Error>> {
    let mut orders = SseSource::new(url)?;
    if let Ok(token) = std::env::var("TOKEN") {
        orders = orders.bearer(&token)?;
    }
    let (archive, ledger) = (Memory::new(), Ledger::default());
    archive.bind("archive", "order-*");
    Ok(Lifespan::builder()
        .origin("/bridge")
        .state(Tally::default())
        .state(archive.clone())
        .state(ledger.clone())
        // Each sink has its own attempts: an order that came again would be there twice in the one that took it.
        .source(orders.on_failure(Settlement::Reject))
        .sink("order-*", archive.sink())
        .sink("order-*", ledger.attempts(2).backoff(Duration::from_millis(10)..=Duration::from_secs(1))))
}

/// A shop on a port of its own, which has sold all day and closes.
async fn shop() -> Result<String, Box<dyn Error>> {
    let feed = Feed::new();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/orders", listener.local_addr()?);
    let router = Router::new().route("/orders", get(feed.route("*").from_oldest()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let order = |number: usize| {
        let customer = ["Tom", "Kit", "Ann", "Bob"][number % 4];
        // Every tenth one is for nothing.
        let pieces = if number.is_multiple_of(10) { 0 } else { number };
        let payload = serde_json::json!({ "customer": customer, "pieces": pieces });
        Envelope::new("order-placed", payload.to_string()).with_id(&format!("order-{number}"))
    };
    let closed = Envelope::new("shop-closed", "null").with_id("closed");
    let sold: Vec<_> = (0..40).map(order).chain([closed]).collect();
    for sent in feed.sink().send_many(&sold).await {
        sent.map_err(|error| error.to_string())?;
    }
    Ok(url)
}

#[tokio::main]
async fn main() -> Result<Exit, Box<dyn Error>> {
    let url = match &std::env::args().skip(1).collect::<Vec<_>>()[..] {
        [] => shop().await?,
        [from, url] if from == "--from" => url.clone(),
        _ => return Err("there is one argument, `--from URL`".into()),
    };
    Ok(events::run(bridge(&url)?).await)
}
