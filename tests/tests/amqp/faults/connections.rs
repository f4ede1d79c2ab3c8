//! Connections that are closed by the broker.

use std::sync::atomic::{AtomicUsize, Ordering};

use events::amqp::AmqpQueue;
use events::{Event, Lifespan, SinkExt as _, State, on};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::account::Account;
use super::{Parcel, Seed, publish, reader, ready, writer};
use crate::support::start_with;
use crate::{broker, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_closed_are_made_again_and_nothing_is_lost() {
    const TIMES: usize = 2;
    let Some((broker, _alone)) = broker::alone().await else { return };
    let (seed, account) = (Seed::new(), Account::default());
    let app = reader(broker, AmqpQueue::classic("closed"), &account).await;
    until("the queue is there", async || account.connections() == 1).await;
    let shop = writer(broker, "closed", &account).await;
    let cutting = async {
        for _ in 0..TIMES {
            let (before, more) = (account.times_lost(), account.confirmed() + seed.pick(50..500) as usize);
            until("it is under way", async || account.confirmed() > more).await;
            tokio::task::block_in_place(|| broker.close_connections());
            until("it is lost", async || account.times_lost() > before).await;
        }
    };
    let publishing = async {
        let mut next = 0;
        // As long as it takes until the connections were closed, and some more.
        while account.times_lost() < TIMES {
            publish(&shop, next..next + 200, 10, Parcel).await;
            next += 200;
        }
        publish(&shop, next..next + 200, 10, Parcel).await;
        next + 200
    };
    let (end, ()) = tokio::join!(publishing, cutting);
    until("all came", async || account.is_even()).await;
    shop.shutdown().await.expect("from outside");
    app.shutdown().await.expect("from outside");
    let balance = account.balance();
    println!("{balance}");
    assert_eq!(balance.confirmed, end as usize, "each was sent, at the latest over the next connection");
    assert_eq!(ready(broker, "closed").await, 0, "all were settled");
}

#[derive(Event, Serialize, Deserialize)]
struct Held;

#[derive(Default)]
struct Begun(AtomicUsize);

#[on]
async fn hold(_: &Held, begun: Option<State<Begun>>, open: Option<State<Semaphore>>) {
    begun.expect("this test has one").0.0.fetch_add(1, Ordering::Relaxed);
    open.expect("this test has one").acquire().await.expect("never closed").forget();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settlement_over_a_lost_connection_is_an_error_and_the_message_comes_again() {
    let Some((broker, _alone)) = broker::alone().await else { return };
    let account = Account::default();
    let source = broker.amqp().source(AmqpQueue::classic("held"));
    let builder = Lifespan::builder().source(source).state(account.clone()).state(Begun::default());
    let (app, _) = start_with(builder.state(Semaphore::new(0))).await;
    let (begun, open) = (app.state::<Begun>().expect("given"), app.state::<Semaphore>().expect("given"));
    let begun = || begun.0.0.load(Ordering::Relaxed);
    let (shop, _) = start_with(Lifespan::builder().sink("held", broker.amqp().sink("").only())).await;
    until("sent", async || shop.deliver(Held).await.is_ok_and(|delivery| delivery.is_ok())).await;
    until("it is held", async || begun() == 1).await;
    tokio::task::block_in_place(|| broker.close_connections());
    until("it came again", async || begun() == 2).await;
    open.add_permits(2);
    until("one is settled, the other cannot be", async || account.failures().len() == 1).await;
    let told = "a message could not be settled by ack: the channel is closed: the message is delivered again";
    assert_eq!(account.failures(), [told]);
    app.shutdown().await.expect("from outside");
    shop.shutdown().await.expect("from outside");
    assert_eq!(begun(), 2);
    until("all connections are closed", async || tokio::task::block_in_place(|| broker.connections()) == 0).await;
}
