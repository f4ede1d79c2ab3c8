//! A service that is gone for a while, and queues that are not there.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use events::sqs::Sqs;
use events::{Event, Lifespan, SinkExt as _, SourceExt as _, State, on};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::moto::{self, Moto};
use crate::support::{Log, start_with};
use crate::until;

#[derive(Event, Serialize, Deserialize)]
struct Parcel(u32);

#[on]
fn handle(event: &Parcel, log: State<Log>) {
    log.write(event.0.to_string());
}

/// A way to the service that can be cut.
struct Way {
    to: &'static Moto,
    port: u16,
    open: Option<JoinHandle<()>>,
}

impl Way {
    async fn new(to: &'static Moto) -> Self {
        let mut way = Self { to, port: 0, open: None };
        way.open().await;
        way
    }

    async fn open(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("a port");
        self.port = listener.local_addr().expect("bound").port();
        let to = self.to.port;
        self.open = Some(tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (mut near, _) = listener.accept().await.expect("a connection");
                connections.spawn(async move {
                    let mut far = TcpStream::connect(("127.0.0.1", to)).await.expect("the service");
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        }));
    }

    /// Cuts all connections, and refuses new ones.
    async fn cut(&mut self) {
        if let Some(open) = self.open.take() {
            open.abort();
            assert!(open.await.is_err_and(|error| error.is_cancelled()));
        }
    }

    fn sqs(&self) -> Sqs {
        Sqs::with_client(self.to.client_by(self.port))
    }
}

#[tokio::test]
async fn a_service_that_was_gone_is_found_again_and_nothing_is_lost() {
    let Some(moto) = moto::shared() else { return };
    let url = moto.queue("gone", &[]).await;
    let (mut there, mut back) = (Way::new(moto).await, Way::new(moto).await);
    let lost = Arc::new(AtomicUsize::new(0));
    let telling = Arc::clone(&lost);
    let pauses = Duration::from_millis(100)..=Duration::from_secs(1);
    // moto goes on with the calls that were cut, and what it has for them comes again when its time is over.
    let source = back.sqs().source("gone").visibility(Duration::from_secs(1)).wait(Duration::from_secs(1));
    let source = source.backoff(pauses.clone()).on_attempt(move |_, _| {
        telling.fetch_add(1, Ordering::Relaxed);
    });
    let (app, log) = start_with(Lifespan::builder().source(source)).await;
    let sink = there.sqs().sink("gone").only().attempts(500).timeout(Duration::from_secs(10)).backoff(pauses);
    let (shop, _) = start_with(Lifespan::builder().sink("parcel", sink)).await;
    assert!(shop.deliver(Parcel(1)).await.expect("accepted").is_ok());
    until("it works", async || log.count("1") == 1).await;
    there.cut().await;
    back.cut().await;
    let delivery = shop.deliver(Parcel(2));
    let mut delivery = std::pin::pin!(delivery);
    // Some attempts of both.
    let waiting = until("the source has lost it", async || lost.load(Ordering::Relaxed) > 2);
    tokio::select! {
        sent = &mut delivery => panic!("nobody takes it: {sent:?}"),
        () = waiting => {}
    }
    there.open().await;
    assert!(delivery.await.expect("accepted").is_ok());
    back.open().await;
    until("it came", async || log.count("2") > 0 && moto.len(&url).await == 0).await;
    shop.shutdown().await.expect("from outside");
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn a_queue_that_is_not_there_keeps_one_source_waiting_until_it_appears() {
    let Some(moto) = moto::shared() else { return };
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    let late = moto.sqs().source("late").named("parcel").on_attempt(move |error, attempt| {
        telling.lock().expect("nobody panics").push(format!("{attempt} {error}"));
    });
    let early = moto.queue("early", &[]).await;
    let builder = Lifespan::builder().source(late).source(moto.sqs().source("early").named("parcel"));
    let (app, log) = start_with(builder).await;
    moto.put(&early, "301", &[]).await;
    until("the other one works", async || log.count("301") == 1).await;
    until("it was tried", async || told.lock().expect("nobody panics").len() > 1).await;
    let first = told.lock().expect("nobody panics").remove(0);
    assert_eq!(first, "1 cannot find queue `late`: The specified queue does not exist. (NonExistentQueue)");
    let url = moto.queue("late", &[]).await;
    moto.put(&url, "302", &[]).await;
    until("it was found", async || log.count("302") == 1).await;
    // What was deleted under a source is waited for again.
    moto.client().delete_queue().queue_url(&url).send().await.expect("deleted");
    let before = told.lock().expect("nobody panics").len();
    until("it was lost", async || told.lock().expect("nobody panics").len() > before).await;
    moto.queue("late", &[]).await;
    moto.put(&url, "303", &[]).await;
    until("it was found again", async || log.count("303") == 1).await;
    app.shutdown().await.expect("from outside");
}
