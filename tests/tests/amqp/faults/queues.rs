//! Queues that are deleted while they are read, and consumers that the broker cancels with them.

use lapin::Channel;
use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;

use super::account::Account;
use super::{Parcel, Seed, publish, reader, ready, writer};
use crate::{broker, until};

const TIMES: usize = 3;

async fn declare(channel: &Channel, queue: &str) {
    let options = QueueDeclareOptions::durable();
    channel.queue_declare(queue.into(), options, FieldTable::default()).await.expect("a queue");
}

async fn delete(channel: &Channel, queue: &str) {
    channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await.expect("deleted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_deleted_while_it_is_read_is_waited_for_and_others_go_on() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let (_connection, channel) = broker.raw().await;
    let (seed, steady, doomed) = (Seed::new(), Account::default(), Account::default());
    declare(&channel, "steady").await;
    declare(&channel, "doomed").await;
    let apps = [reader(broker, "steady", &steady).await, reader(broker, "doomed", &doomed).await];
    let (plenty, shop) = (writer(broker, "steady", &steady).await, writer(broker, "doomed", &doomed).await);
    let going_on = async {
        let mut next = 0;
        while doomed.connections() <= TIMES {
            publish(&plenty, next..next + 100, 10, Parcel).await;
            next += 100;
        }
    };
    let deleting = async {
        for time in 1..=TIMES {
            until("it is read", async || doomed.connections() == time).await;
            let enough = doomed.known() + seed.pick(1..400) as usize;
            let middle = async {
                until("it is under way", async || doomed.known() >= enough).await;
                delete(&channel, "doomed").await;
            };
            let begun = u32::try_from(time).expect("small") * 1000;
            tokio::join!(publish(&shop, begun..begun + 400, 10, Parcel), middle);
            until("the source knows", async || doomed.times_lost() >= time).await;
            let others = steady.known();
            until("the other one goes on", async || steady.known() > others + 50).await;
            declare(&channel, "doomed").await;
        }
    };
    tokio::join!(going_on, deleting);
    // From here on nothing is deleted any more.
    let (last, fresh) = (writer(broker, "doomed", &doomed).await, doomed.confirmed());
    let known = doomed.known();
    publish(&last, 0..300, 10, Parcel).await;
    assert_eq!(doomed.confirmed(), fresh + 300);
    until("all came", async || steady.is_even() && doomed.known() >= known + 300).await;
    for app in [plenty, shop, last].into_iter().chain(apps) {
        app.shutdown().await.expect("from outside");
    }
    println!("steady: {}", steady.balance());
    println!("doomed: {}", doomed.settlements());
    let deleted = "queue `doomed` is not read any more: it was deleted, or its channel was closed";
    let losses = doomed.losses();
    assert!(losses.iter().filter(|loss| *loss == deleted).count() == TIMES, "{losses:?}");
    assert_eq!(steady.times_lost(), 0, "{:?}", steady.losses());
    assert_eq!((ready(broker, "steady").await, ready(broker, "doomed").await), (0, 0), "all were settled");
}
