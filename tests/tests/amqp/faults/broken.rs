//! What breaks alone: a channel, a consumer, the way to a broker that says nothing any more, and what a broker keeps waiting.

use std::sync::Arc;
use std::time::{Duration, Instant};

use events::amqp::{Amqp, AmqpQueue};
use events::{Lifespan, SinkExt as _, SourceExt as _};
use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::account::{Account, Watched};
use super::{PAUSES, Parcel, publish, reader, ready, writer};
use crate::broker::{self, Broker, PASSWORD};
use crate::support::start_with;
use crate::until;

/// Has the node do something that no client can ask for.
fn have(broker: &Broker, erlang: &str) {
    let answer = tokio::task::block_in_place(|| broker.ask(&["eval", erlang]));
    assert_eq!(answer, ["ok"], "{erlang}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_is_lost_alone_is_made_again_over_the_same_connection() {
    let Some((broker, _alone)) = broker::alone().await else { return };
    let accounts = [Account::default(), Account::default()];
    let amqp = broker.amqp();
    let source = |queue, account: &Account| {
        let lost = account.clone();
        let source = Watched::new(amqp.source(AmqpQueue::classic(queue)), account).backoff(PAUSES);
        source.on_attempt(move |error, _| lost.lost(error.to_string()))
    };
    let mut apps = Vec::new();
    for (queue, account) in ["channel-one", "channel-two"].into_iter().zip(&accounts) {
        let builder = Lifespan::builder().source(source(queue, account)).state(account.clone());
        apps.push(start_with(builder).await.0);
        until("it is read", async || account.connections() == 1).await;
    }
    let before = tokio::task::block_in_place(|| broker.listed("pid"));
    // As if this side had settled what it was never given: the broker closes that channel for it.
    let consuming =
        "[P || P <- rabbit_channel:list(), [{consumer_count, 1}] == rabbit_channel:info(P, [consumer_count])]";
    have(broker, &format!("rabbit_channel:do(hd({consuming}), {{'basic.ack', 99999, false}})."));
    until("it is lost", async || accounts.iter().any(|account| account.times_lost() == 1)).await;
    until("it is made again", async || accounts.iter().map(Account::connections).sum::<usize>() == 3).await;
    assert_eq!(accounts.iter().map(Account::times_lost).sum::<usize>(), 1, "the other one goes on");
    assert_eq!(tokio::task::block_in_place(|| broker.listed("pid")), before, "over the same connection");
    for (queue, account) in ["channel-one", "channel-two"].into_iter().zip(&accounts) {
        let shop = writer(broker, queue, account).await;
        publish(&shop, 0..100, 10, Parcel).await;
        until("all came", async || account.is_even() && account.confirmed() == 100).await;
        shop.shutdown().await.expect("from outside");
    }
    for app in apps {
        app.shutdown().await.expect("from outside");
    }
}

/// Breaks something between two halves of what is published, all of which must come and be settled.
async fn reads_on(broker: &Broker, queue: &'static str, breaking: impl AsyncFnOnce(&Account)) {
    let account = Account::default();
    let app = reader(broker, AmqpQueue::classic(queue), &account).await;
    until("the queue is there", async || account.connections() == 1).await;
    let shop = writer(broker, queue, &account).await;
    publish(&shop, 0..100, 10, Parcel).await;
    breaking(&account).await;
    publish(&shop, 100..200, 10, Parcel).await;
    until("all came", async || account.is_even() && account.confirmed() == 200).await;
    shop.shutdown().await.expect("from outside");
    app.shutdown().await.expect("from outside");
    assert_eq!(ready(broker, queue).await, 0, "all were settled");
}

/// What the node calls a queue.
fn found(queue: &str) -> String {
    format!("element(2, rabbit_amqqueue:lookup({{resource, <<\"/\">>, queue, <<\"{queue}\">>}}))")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_is_cancelled_while_its_queue_stays_is_there_again() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let consumer = format!("[C] = rabbit_amqqueue:consumers({})", found("cancelled"));
    // As brokers do where a queue moves to another node.
    let cancel = "rabbit_channel:send_command(element(1, C), {'basic.cancel', element(2, C), true})";
    let cancelled = async |account: &Account| {
        have(broker, &format!("{consumer}, {cancel}."));
        until("the source knows", async || account.times_lost() > 0).await;
    };
    reads_on(broker, "cancelled", cancelled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_whose_process_dies_is_read_on() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let killed = async |_: &Account| have(broker, &format!("exit(amqqueue:get_pid({}), kill), ok.", found("dying")));
    reads_on(broker, "dying", killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_comes_late_loses_nothing() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let account = Account::default();
    let app = reader(broker, "late-account", &account).await;
    until("it was tried", async || account.times_lost() > 2).await;
    let (_connection, channel) = broker.raw().await;
    let options = QueueDeclareOptions::durable();
    channel.queue_declare("late-account".into(), options, FieldTable::default()).await.expect("a queue");
    let shop = writer(broker, "late-account", &account).await;
    publish(&shop, 0..500, 10, Parcel).await;
    until("all came", async || account.is_even()).await;
    shop.shutdown().await.expect("from outside");
    app.shutdown().await.expect("from outside");
    let balance = account.balance();
    println!("{balance}");
    assert_eq!((balance.confirmed, account.connections(), ready(broker, "late-account").await), (500, 1, 0));
}

/// A way to the broker that may stop to pass anything on, without an end of any connection.
struct Way {
    port: u16,
    is_silent: Arc<watch::Sender<bool>>,
}

impl Way {
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let way = Self { port: listener.local_addr().expect("bound").port(), is_silent: Arc::default() };
        let is_silent = Arc::clone(&way.is_silent);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(("127.0.0.1", port)).await.expect("the broker");
                let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
                // Those that were there when it fell silent stay so.
                tokio::spawn(pass(from_near, to_far, is_silent.subscribe()));
                tokio::spawn(pass(from_far, to_near, is_silent.subscribe()));
            }
        });
        way
    }

    fn amqp(&self) -> Amqp {
        Amqp::new(&format!("amqp://cat:{PASSWORD}@127.0.0.1:{}?heartbeat=2", self.port)).expect("a good URL")
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut is_silent: watch::Receiver<bool>) {
    let mut bytes = vec![0; 10_000];
    loop {
        let silent = async {
            let _ = is_silent.wait_for(|is_silent| *is_silent).await;
        };
        let read = tokio::select! {
            biased;
            () = silent => {
                // The connection is open for longer than any test takes.
                tokio::time::sleep(Duration::from_hours(1)).await;
                return;
            }
            read = from.read(&mut bytes) => read,
        };
        match read {
            Ok(count) if count > 0 && to.write_all(&bytes[..count]).await.is_ok() => {}
            _ => return,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_says_nothing_any_more_is_noticed_and_nothing_is_lost() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let (way, account) = (Way::to(broker.port()).await, Account::default());
    let lost = account.clone();
    let source = Watched::new(way.amqp().source(AmqpQueue::classic("silent")), &account).backoff(PAUSES);
    let source = source.on_attempt(move |error, _| lost.lost(error.to_string()));
    let (app, _) = start_with(Lifespan::builder().source(source).state(account.clone())).await;
    until("the queue is there", async || account.connections() == 1).await;
    let sink = Watched::new(way.amqp().sink("").routed_by(|_| "silent".into()), &account).only().attempts(60);
    let sink = sink.backoff(PAUSES).timeout(Duration::from_secs(3));
    let (shop, _) = start_with(Lifespan::builder().sink("parcel", sink)).await;
    publish(&shop, 0..100, 10, Parcel).await;
    way.is_silent.send_replace(true);
    let begun = Instant::now();
    let noticing = until("the source knows", async || account.times_lost() > 0);
    let publishing = publish(&shop, 100..200, 10, Parcel);
    let speaking = async {
        noticing.await;
        // Twice the heartbeat, and some time for a machine that has other things to do.
        assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
        way.is_silent.send_replace(false);
    };
    tokio::join!(speaking, publishing);
    until("all came", async || account.is_even() && account.confirmed() == 200).await;
    shop.shutdown().await.expect("from outside");
    app.shutdown().await.expect("from outside");
    until("all are settled", async || ready(broker, "silent").await == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_blocks_those_who_publish_is_outlived_and_goes_on_to_deliver() {
    let Some((broker, _alone)) = broker::alone().await else { return };
    let account = Account::default();
    let app = reader(broker, AmqpQueue::classic("blocked"), &account).await;
    until("the queue is there", async || account.connections() == 1).await;
    let shop = writer(broker, "blocked", &account).await;
    publish(&shop, 0..100, 10, Parcel).await;
    until("all came", async || account.is_even()).await;
    let limit = |limit: &str| {
        let limit = ["set_vm_memory_high_watermark", "absolute", limit];
        tokio::task::block_in_place(|| broker.ask(&limit));
    };
    limit("1MB");
    let blocking = async {
        until("it is blocked", async || {
            tokio::task::block_in_place(|| broker.listed("state")).iter().any(|state| state.contains("block"))
        })
        .await;
        limit("512MB");
    };
    tokio::join!(blocking, publish(&shop, 100..200, 10, Parcel));
    until("all came", async || account.is_even() && account.confirmed() == 200).await;
    shop.shutdown().await.expect("from outside");
    app.shutdown().await.expect("from outside");
    assert_eq!((account.times_lost(), ready(broker, "blocked").await), (0, 0), "{:?}", account.losses());
}
