//! What a handler returns, and the teardown of what was made for it.

mod support;

use std::time::Duration;

use events::{Event, Lifespan, State, Teardown, on, provide};
use support::Log;
use tokio::sync::Notify;

struct Transaction;

#[derive(Event)]
struct OrderPlaced;

#[derive(Event)]
struct FishServed;

#[provide]
fn transaction(teardown: Teardown, served: State<Notify>, log: State<Log>) -> Transaction {
    teardown.register(async move |_| {
        served.notified().await;
        log.write("commit");
        Err::<(), _>("the disk is full")
    });
    Transaction
}

#[on]
async fn cook(_: &OrderPlaced, #[depends(transaction)] _transaction: &Transaction) -> FishServed {
    FishServed
}

#[on]
async fn serve(_: &FishServed, served: State<Notify>, log: State<Log>) {
    log.write("serve");
    served.notify_one();
}

#[tokio::test(start_paused = true)]
async fn a_returned_event_neither_waits_for_a_teardown_nor_goes_with_it() {
    let (app, log) = support::start_with(Lifespan::builder().state(Notify::new())).await;
    let delivery = tokio::time::timeout(Duration::from_mins(1), app.deliver(OrderPlaced)).await;
    let delivery = delivery.expect("the teardown waits for the event").expect("accepted");
    let failures: Vec<_> = delivery.failures().iter().map(|failure| failure.cause().to_string()).collect();
    assert_eq!(failures, ["the teardown of provider `teardown_events::transaction` failed: the disk is full"]);
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["serve", "commit"]);
}
