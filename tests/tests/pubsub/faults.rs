//! What is lost when streams and servers are: nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use events::{
    Envelope, Event, Failure, Incoming as _, Lifespan, Settlement, Sink as _, SinkExt as _, Source as _,
    SourceExt as _, State, on,
};
use futures_util::future::join_all;
use gcloud_googleapis::pubsub::v1::PubsubMessage;
use prost::Message as _;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tonic::Code;

use crate::service::{Options, Service, subscription};
use crate::support::start_with;
use crate::{Bare, numbered, until};

#[derive(Event, Serialize, Deserialize)]
struct Parcel(u32);

/// How often each number was handled, and what failed.
#[derive(Debug, Default)]
struct Account {
    handled: Mutex<BTreeMap<u32, u32>>,
    failures: Mutex<Vec<String>>,
}

impl Account {
    fn handled(&self) -> BTreeMap<u32, u32> {
        self.handled.lock().expect("nobody panics").clone()
    }

    fn failures(&self) -> Vec<String> {
        self.failures.lock().expect("nobody panics").clone()
    }
}

#[on]
async fn handle(event: &Parcel, account: Option<State<Account>>, open: Option<State<Semaphore>>) {
    let account = account.expect("these tests have one");
    tokio::task::yield_now().await;
    *account.handled.lock().expect("nobody panics").entry(event.0).or_default() += 1;
    if let Some(open) = open {
        open.acquire().await.expect("never closed").forget();
    }
}

#[on(failure)]
fn failed(failure: &Failure, account: Option<State<Account>>) {
    if let Some(account) = account {
        account.failures.lock().expect("nobody panics").push(failure.cause().to_string());
    }
}

/// A lifespan that reads a subscription, what it has handled, and what it was told of its source.
async fn reader(
    service: &Service,
    name: &str,
    open: Option<Semaphore>,
) -> (Lifespan, State<Account>, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    let source = service.pubsub().source(name).ack_deadline(Duration::from_secs(10)).named("parcel").on_attempt(
        move |error, attempt| {
            telling.lock().expect("nobody panics").push(format!("{attempt} {error}"));
        },
    );
    let mut builder = Lifespan::builder().source(source).state(Account::default());
    if let Some(open) = open {
        builder = builder.state(open);
    }
    let (app, _) = start_with(builder).await;
    let account = app.state().expect("it was given");
    (app, account, told)
}

async fn publish(service: &Service, name: &str, numbers: std::ops::Range<u32>) {
    let sent = service.pubsub().sink(name).format(Bare).send_many(&numbered(numbers)).await;
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
}

#[tokio::test]
async fn messages_outlive_the_stream_that_they_came_over() {
    let service = Service::start().await;
    service.make("streams", Options::default());
    publish(&service, "streams", 0..20).await;
    let (app, account, told) = reader(&service, "streams", Some(Semaphore::new(0))).await;
    for (round, code) in [Code::Unavailable, Code::Ok, Code::Internal].into_iter().enumerate() {
        until("they are handled", async || account.handled().len() == 20 * (round + 1)).await;
        service.end_streams(code);
        until("there is another stream", async || service.calls("StreamingPull").len() == round + 2).await;
        let first = 20 * (u32::try_from(round).expect("small") + 1);
        publish(&service, "streams", first..first + 20).await;
    }
    until("they are handled", async || account.handled().len() == 80).await;
    app.state::<Semaphore>().expect("it was given").add_permits(1000);
    until("they are settled", async || service.backlog("streams") == 0).await;
    app.shutdown().await.expect("from outside");
    assert!(account.handled().values().all(|times| *times == 1), "{:?}", account.handled());
    assert_eq!(account.failures(), [""; 0]);
    let name = subscription("streams");
    let expected = [
        format!("1 cannot read `{name}`: UNAVAILABLE: the stream was ended"),
        format!("1 cannot read `{name}`: the service has ended the stream"),
        format!("1 cannot read `{name}`: INTERNAL: the stream was ended"),
    ];
    assert_eq!(*told.lock().expect("nobody panics"), expected);
}

#[tokio::test]
async fn a_subscription_that_is_not_there_keeps_one_source_waiting_until_it_appears() {
    let service = Service::start().await;
    service.make("early", Options::default());
    let (late, late_account, told) = reader(&service, "late", None).await;
    let (early, early_account, _) = reader(&service, "early", None).await;
    publish(&service, "early", 1..2).await;
    until("the other one works", async || early_account.handled().len() == 1).await;
    until("it was tried", async || told.lock().expect("nobody panics").len() > 2).await;
    let name = subscription("late");
    let expected = format!(
        "2 cannot read `{name}`: NOT_FOUND: Resource not found (resource={name}): create it, or look at the name and the project"
    );
    assert_eq!(told.lock().expect("nobody panics")[1], expected);
    service.make("late", Options::default());
    publish(&service, "late", 2..3).await;
    until("it was found", async || late_account.handled().len() == 1).await;
    for app in [late, early] {
        app.shutdown().await.expect("from outside");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_away_and_comes_back_loses_nothing() {
    let service = Service::start().await;
    service.make("away", Options::default());
    let (app, account, told) = reader(&service, "away", None).await;
    let sink = service.pubsub().sink("away").format(Bare).only().attempts(30);
    let sink = sink.backoff(Duration::from_millis(10)..=Duration::from_secs(1)).timeout(Duration::from_secs(5));
    let (shop, _) = start_with(Lifespan::builder().sink("parcel", sink)).await;
    let done = AtomicUsize::new(0);
    let publishing = async {
        let mut next = 0;
        // As long as it takes until it was away three times, and some more.
        while done.load(Ordering::Relaxed) < 3 || next % 100 != 0 {
            let sent = join_all((next..next + 10).map(|number| shop.deliver(Parcel(number)))).await;
            let is_sent = |sent: &Result<events::Delivery, _>| sent.as_ref().is_ok_and(events::Delivery::is_ok);
            assert!(sent.iter().all(is_sent), "each was sent, at the latest when it was back: {sent:?}");
            next += 10;
        }
        next
    };
    let interfering = async {
        for _ in 0..3 {
            let before = account.handled().len();
            until("it is under way", async || account.handled().len() > before + 20).await;
            service.stop();
            // How long it is away must not depend on who has noticed: whoever settles waits for it with patience.
            until("it is gone", async || std::net::TcpStream::connect(service.address()).is_err()).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            service.resume().await;
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    let (end, ()) = tokio::join!(publishing, interfering);
    // Those whose answers were lost may be there twice.
    until("all came", async || account.handled().len() == end as usize && service.backlog("away") == 0).await;
    shop.shutdown().await.expect("from outside");
    app.shutdown().await.expect("from outside");
    let again = account.handled().values().filter(|times| **times > 1).count();
    println!("{end} published, {again} of them handled again");
    assert!(!told.lock().expect("nobody panics").is_empty(), "it was missed");
    assert_eq!(account.failures(), [""; 0], "what was settled while it was away was settled later");
}

#[tokio::test]
async fn what_is_settled_while_the_server_is_away_is_settled_when_it_is_back() {
    let service = Service::start().await;
    service.make("back", Options::default());
    publish(&service, "back", 0..3).await;
    let mut incoming = service.pubsub().source("back").connect(3).await.expect("a stream");
    let mut settling = Vec::new();
    for settlement in [Settlement::Ack, Settlement::Reject, Settlement::Requeue] {
        let received = incoming.next().await.expect("a message");
        settling.push((received, settlement));
    }
    service.stop();
    incoming.next().await.expect_err("the stream is lost");
    let settling: Vec<_> = settling.into_iter().map(|(one, settlement)| tokio::spawn(one.settle(settlement))).collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(settling.iter().all(|settled| !settled.is_finished()));
    service.resume().await;
    for settled in settling {
        settled.await.expect("no panic").expect("settled");
    }
    assert_eq!((service.backlog("back"), service.state().out(&subscription("back"))), (1, 0));
}

#[tokio::test]
async fn what_was_handled_is_settled_when_the_end_has_come() {
    let service = Service::start().await;
    service.make("end", Options::default());
    publish(&service, "end", 0..50).await;
    let (app, account, _) = reader(&service, "end", Some(Semaphore::new(0))).await;
    until("they are handled", async || account.handled().len() == 50).await;
    let open: State<Semaphore> = app.state().expect("it was given");
    let ending = tokio::spawn(async move { app.shutdown().await.expect("from outside") });
    open.add_permits(50);
    let report = ending.await.expect("no panic");
    assert_eq!(service.backlog("end"), 0, "{report:?}");
    until("its stream is gone", async || service.state().streams() == 0).await;
}

#[tokio::test]
async fn a_message_that_cannot_be_read_spoils_no_other() {
    let service = Service::start().await;
    service.make("broken", Options::default());
    let name = subscription("broken");
    let good = PubsubMessage { data: b"1".to_vec(), ..PubsubMessage::default() };
    let mut not_utf8 = PubsubMessage { ordering_key: "key".into(), ..good.clone() }.encode_to_vec();
    let at = not_utf8.iter().position(|byte| *byte == b'k').expect("the key");
    not_utf8[at] = 0xff;
    let bad_body = PubsubMessage { data: vec![0xff, 0xfe], ..PubsubMessage::default() };
    for bytes in
        [good.encode_to_vec(), not_utf8, vec![0xff; 10], bad_body.encode_to_vec(), good.encode_to_vec()[..2].into()]
    {
        service.change(|state| state.break_next(&name, bytes));
    }
    publish(&service, "broken", 7..8).await;
    let (app, account, told) = reader(&service, "broken", None).await;
    until("all are gone", async || service.backlog("broken") == 0).await;
    app.shutdown().await.expect("from outside");
    assert_eq!(account.handled().into_iter().collect::<Vec<_>>(), [(1, 1), (7, 1)]);
    assert!(told.lock().expect("nobody panics").is_empty(), "the stream is still the same");
    let failures = account.failures();
    let count = |text: &str| failures.iter().filter(|failure| failure.starts_with(text)).count();
    // Those that are messages have failed as events.
    let counts = (count("the payload of `parcel` does not fit"), count("the message cannot be read: "));
    assert_eq!((counts, failures.len()), ((1, 3), 4), "{failures:?}");
}

#[tokio::test]
async fn what_becomes_of_a_message_that_cannot_be_read_is_for_the_source_to_say() {
    let service = Service::start().await;
    service.make("grave", Options::default());
    let dead_letters = Some((crate::service::topic("grave"), 5));
    service.make("said", Options { dead_letters, ..Options::default() });
    // It would be an event, if its bytes were taken for a body.
    service.change(|state| state.break_next(&subscription("said"), b"1".to_vec()));
    let source = service.pubsub().source("said").named("parcel").on_invalid(Settlement::Ack);
    let (app, _) = start_with(Lifespan::builder().source(source).state(Account::default())).await;
    until("it is gone", async || service.backlog("said") == 0).await;
    app.shutdown().await.expect("from outside");
    let account: State<Account> = app.state().expect("it was given");
    assert!(account.handled().is_empty() && account.failures().len() == 1, "{account:?}");
    assert_eq!(service.backlog("grave"), 0);
}

/// A runtime that ends as soon as the lifespan has, as that of a program does.
#[test]
fn what_was_read_ahead_is_given_back_before_the_runtime_ends() {
    let outer = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let service = outer.block_on(Service::start());
    service.make("quit", Options::default());
    outer.block_on(publish(&service, "quit", 0..20));
    let inner = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    inner.block_on(async {
        let source = service.pubsub().source("quit").named("parcel").concurrency(1).prefetch(20);
        let builder = Lifespan::builder().source(source).state(Account::default()).state(Semaphore::new(0));
        let (app, _) = start_with(builder).await;
        let account: State<Account> = app.state().expect("it was given");
        until("one is handled", async || account.handled().len() == 1).await;
        until("all are here", async || service.state().out(&subscription("quit")) == 20).await;
        app.state::<Semaphore>().expect("it was given").add_permits(1);
        let report = app.shutdown().await.expect("from outside");
        assert!(report.failed_endings.is_empty(), "{report:?}");
    });
    drop(inner);
    assert_eq!((service.backlog("quit"), service.state().out(&subscription("quit"))), (19, 0));
}

#[tokio::test]
async fn a_sink_says_why_it_reaches_nobody_and_goes_on_when_it_does() {
    let service = Service::start().await;
    service.make("gone", Options::default());
    let sink = service.pubsub().sink("gone").format(Bare);
    let envelope = Envelope::new("number", "1");
    service.stop();
    until("it is gone", async || std::net::TcpStream::connect(service.address()).is_err()).await;
    let error = sink.send(&envelope).await.expect_err("nobody is there");
    let told = error.to_string();
    assert!(!error.is_permanent() && told.contains(&format!("cannot connect to `{}`", service.address())), "{told}");
    assert!(told.contains("Connection refused"), "{told}");
    service.resume().await;
    sink.send(&envelope).await.expect("it is back");
    service.stop();
    let error = sink.send(&envelope).await.expect_err("it is gone again");
    assert!(!error.is_permanent(), "{error}");
    service.resume().await;
    until("it is back again", async || sink.send(&envelope).await.is_ok()).await;
    sink.close().await.expect("closed");
    sink.send(&envelope).await.expect("over another connection");
}

#[tokio::test]
async fn an_answer_that_does_not_come_leads_to_another_attempt() {
    let service = Service::start().await;
    service.make("slow", Options::default());
    service.state().hold("Publish");
    let sink = service.pubsub().sink("slow").format(Bare).only().timeout(Duration::from_millis(300)).attempts(100);
    let (app, _) = start_with(Lifespan::builder().sink("parcel", sink)).await;
    let publishing = tokio::spawn(async move { app.deliver(Parcel(1)).await.expect("accepted").is_ok() });
    until("it was asked twice", async || service.state().asked("Publish") >= 2).await;
    service.state().release("Publish");
    assert!(publishing.await.expect("no panic"), "it was published");
    // What was given up on is not published behind it.
    assert_eq!((service.calls("Publish").len(), service.backlog("slow")), (1, 1));
}
