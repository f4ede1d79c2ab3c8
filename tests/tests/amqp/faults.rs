//! What is lost when connections are, and when the broker is: nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use events::amqp::AmqpQueue;
use events::{Event, Failure, Lifespan, LifespanBuilder, SinkExt as _, SourceExt as _, State, on};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::broker::{self, Broker};
use crate::support::start_with;
use crate::until;

#[derive(Event, Serialize, Deserialize)]
struct Parcel(u32);

/// How often each number was handled, and what failed.
#[derive(Debug, Default)]
struct Account {
    handled: Mutex<BTreeMap<u32, u32>>,
    /// Settlements over connections that were gone, among others.
    failures: Mutex<Vec<String>>,
}

impl Account {
    fn handled(&self) -> BTreeMap<u32, u32> {
        self.handled.lock().expect("nobody panics").clone()
    }
}

#[on]
async fn handle(event: &Parcel, account: Option<State<Account>>) {
    tokio::task::yield_now().await;
    let account = account.expect("these tests have one");
    *account.handled.lock().expect("nobody panics").entry(event.0).or_default() += 1;
}

#[on(failure)]
fn failed(failure: &Failure, account: Option<State<Account>>) {
    if let Some(account) = account {
        account.failures.lock().expect("nobody panics").push(failure.cause().to_string());
    }
}

/// Reads a queue, which may have what the broker has not been told of in time.
async fn reader(broker: &Broker, queue: AmqpQueue, lost: &Arc<AtomicUsize>) -> (Lifespan, State<Account>) {
    let lost = Arc::clone(lost);
    let source = broker.amqp().source(queue).prefetch(50).on_attempt(move |_, _| {
        lost.fetch_add(1, Ordering::Relaxed);
    });
    let (app, _) = start_with(Lifespan::builder().source(source).state(Account::default())).await;
    let account = app.state().expect("it was given");
    (app, account)
}

fn writer(broker: &Broker, queue: &'static str) -> LifespanBuilder {
    let sink = broker.amqp().sink("").routed_by(move |_| queue.into());
    // A broker that has just started may never confirm what it is sent: only the time-out ends that. With so many attempts an
    // outage of a minute is outlived.
    Lifespan::builder().sink("parcel", sink.only().attempts(15).timeout(Duration::from_secs(3)))
}

/// Publishes numbers in batches, and answers which of them were confirmed.
async fn publish(app: &Lifespan, numbers: std::ops::Range<u32>, batch: usize, done: &AtomicUsize) -> Vec<u32> {
    let mut confirmed = Vec::new();
    for batch in numbers.collect::<Vec<_>>().chunks(batch) {
        let sends = batch.iter().map(|number| app.deliver(Parcel(*number)));
        let sent = futures_util::future::join_all(sends).await;
        let good = |delivery: Result<events::Delivery, _>| delivery.is_ok_and(|delivery| delivery.is_ok());
        confirmed.extend(batch.iter().zip(sent).filter_map(|(number, sent)| good(sent).then_some(*number)));
        done.fetch_add(batch.len(), Ordering::Relaxed);
    }
    confirmed
}

/// Waits until the reader has made its queue.
async fn warm(app: &Lifespan) {
    let ready = async || app.deliver(Parcel(0)).await.is_ok_and(|delivery| delivery.is_ok());
    until("the queue is there", ready).await;
}

/// Every confirmed number was handled, and nothing else was; answers how many were handled again.
fn balance(confirmed: &[u32], unconfirmed: usize, account: &Account) -> usize {
    let handled = account.handled();
    let missing: Vec<_> = confirmed.iter().filter(|number| !handled.contains_key(number)).collect();
    assert!(missing.is_empty(), "confirmed and not handled: {missing:?}");
    assert!(handled.len() <= confirmed.len() + unconfirmed, "out of nothing");
    handled.values().map(|times| *times as usize - 1).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_closed_are_made_again_and_nothing_is_lost() {
    let Some((broker, _alone)) = broker::alone().await else { return };
    let (lost, done) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
    let (app, account) = reader(broker, AmqpQueue::classic("closed"), &lost).await;
    let (shop, _) = start_with(writer(broker, "closed")).await;
    warm(&shop).await;
    let cutting = async {
        until("it is under way", async || done.load(Ordering::Relaxed) > 50).await;
        tokio::task::block_in_place(|| broker.close_connections());
    };
    let publishing = async {
        let (mut confirmed, mut next) = (vec![0], 1);
        // As long as it takes until the connections were closed, and some more.
        while lost.load(Ordering::Relaxed) == 0 {
            confirmed.extend(publish(&shop, next..next + 50, 10, &done).await);
            next += 50;
        }
        confirmed.extend(publish(&shop, next..next + 200, 10, &done).await);
        (confirmed, next + 200)
    };
    let ((confirmed, end), ()) = tokio::join!(publishing, cutting);
    until("all came", async || confirmed.iter().all(|number| account.handled().contains_key(number))).await;
    shop.shutdown().await.expect("from outside");
    app.shutdown().await.expect("from outside");
    assert_eq!(confirmed.len(), end as usize, "each was sent, at the latest over the next connection");
    let again = balance(&confirmed, 0, &account);
    println!("{} confirmed, {again} of them handled again, {} failures", confirmed.len(), failures(&account));
}

#[derive(Event, Serialize, Deserialize)]
struct Held;

#[on]
async fn hold(_: &Held, account: Option<State<Account>>, open: Option<State<Semaphore>>) {
    *account.expect("this test has one").handled.lock().expect("nobody panics").entry(0).or_default() += 1;
    open.expect("this test has one").acquire().await.expect("never closed").forget();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settlement_over_a_lost_connection_is_an_error_and_the_message_comes_again() {
    let Some((broker, _alone)) = broker::alone().await else { return };
    let source = broker.amqp().source(AmqpQueue::classic("held"));
    let builder = Lifespan::builder().source(source).state(Account::default()).state(Semaphore::new(0));
    let (app, _) = start_with(builder).await;
    let (account, open) = (app.state::<Account>().expect("given"), app.state::<Semaphore>().expect("given"));
    let (shop, _) = start_with(Lifespan::builder().sink("held", broker.amqp().sink("").only())).await;
    until("sent", async || shop.deliver(Held).await.is_ok_and(|delivery| delivery.is_ok())).await;
    until("it is held", async || account.handled().get(&0) == Some(&1)).await;
    tokio::task::block_in_place(|| broker.close_connections());
    until("it came again", async || account.handled().get(&0) == Some(&2)).await;
    open.add_permits(2);
    until("one is settled, the other cannot be", async || failures(&account) == 1).await;
    let failure = account.failures.lock().expect("nobody panics").remove(0);
    assert_eq!(failure, "a message could not be settled by ack: the channel is closed: the message is delivered again");
    app.shutdown().await.expect("from outside");
    shop.shutdown().await.expect("from outside");
    assert_eq!(account.handled().get(&0), Some(&2));
    until("all connections are closed", async || tokio::task::block_in_place(|| broker.connections()) == 0).await;
}

fn failures(account: &Account) -> usize {
    account.failures.lock().expect("nobody panics").len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_and_started_again_loses_nothing_that_it_has_confirmed() {
    const COUNT: u32 = 2000;
    let Some((broker, _alone)) = broker::alone().await else { return };
    let (lost, done) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
    let (app, account) = reader(broker, AmqpQueue::classic("killed"), &lost).await;
    let (shop, _) = start_with(writer(broker, "killed")).await;
    warm(&shop).await;
    let killing = async {
        until("it is under way", async || done.load(Ordering::Relaxed) > COUNT as usize / 4).await;
        tokio::task::block_in_place(|| {
            broker.kill();
            broker.boot();
        });
    };
    let (mut confirmed, ()) = tokio::join!(publish(&shop, 1..COUNT, 20, &done), killing);
    confirmed.push(0);
    until("all came", async || confirmed.iter().all(|number| account.handled().contains_key(number))).await;
    shop.shutdown().await.expect("from outside");
    app.shutdown().await.expect("from outside");
    assert!(lost.load(Ordering::Relaxed) > 0, "the broker was killed while it was read from");
    let unconfirmed = COUNT as usize - confirmed.len();
    let again = balance(&confirmed, unconfirmed, &account);
    println!(
        "{} confirmed, {unconfirmed} not, {again} handled again, {} failures",
        confirmed.len(),
        failures(&account)
    );
    assert!(confirmed.len() > COUNT as usize / 2, "most were sent");
}
