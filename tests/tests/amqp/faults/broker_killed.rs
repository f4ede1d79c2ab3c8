//! The broker is killed, and started again.

use std::time::Instant;

use events::amqp::AmqpQueue;

use super::account::Account;
use super::{Parcel, Seed, publish, reader, ready, writer};
use crate::{broker, until};

/// What is built for speed does the whole of it; otherwise it would take minutes.
const COUNT: u32 = if cfg!(debug_assertions) { 8000 } else { 100_000 };
const KILLS: u32 = if cfg!(debug_assertions) { 2 } else { 3 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_and_started_again_loses_nothing_that_it_has_confirmed() {
    let Some((broker, _alone)) = broker::alone().await else { return };
    let (seed, account, begun) = (Seed::new(), Account::default(), Instant::now());
    // A quorum queue of this broker may never become available again after that.
    let app = reader(broker, AmqpQueue::classic("killed"), &account).await;
    until("the queue is there", async || account.connections() == 1).await;
    let shop = writer(broker, "killed", &account).await;
    let publishing = tokio::spawn(async move {
        // Piece by piece: no more than some thousands wait at a time.
        for first in (0..COUNT).step_by(4000) {
            publish(&shop, first..first + 4000, 100, Parcel).await;
        }
        shop.shutdown().await.expect("from outside")
    });
    for kill in 0..KILLS {
        let share = COUNT / (KILLS + 1);
        let moment = (kill * share + seed.pick(1..share)) as usize;
        until("it is under way", async || account.confirmed() >= moment).await;
        println!("killed after {} confirmations", account.confirmed());
        tokio::task::block_in_place(|| {
            broker.kill();
            broker.boot();
        });
    }
    let report = publishing.await.expect("it does not panic");
    until("all came", async || account.is_even()).await;
    app.shutdown().await.expect("from outside");
    let balance = account.balance();
    println!("{balance}; {:?}", begun.elapsed());
    assert_eq!(balance.confirmed, COUNT as usize, "each was sent at last: {report}");
    assert!(account.times_lost() >= KILLS as usize, "the broker was killed while it was read from");
    assert_eq!(ready(broker, "killed").await, 0, "all were settled");
}
