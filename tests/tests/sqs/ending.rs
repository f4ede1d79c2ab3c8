//! What becomes of messages at the end, and how long that may take.

use std::time::Duration;

use events::sqs::{SqsIncoming, SqsSettle};
use events::{Event, Incoming as _, Lifespan, Received, Settlement, Source as _, SourceExt as _, State, on};
use futures_util::future::join_all;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use crate::fake::{Answer, Fake, some_failed};
use crate::support::{Log, start_with};

const HIDE: &str = "ChangeMessageVisibilityBatch";
const DELETE: &str = "DeleteMessageBatch";
/// How long a lifespan waits for a settlement, or for the end of a connection.
const BOUND: Duration = Duration::from_secs(30);

#[derive(Event, Deserialize)]
struct Hamper(u32);

#[on]
async fn deliver(event: &Hamper, open: Option<State<Semaphore>>, log: State<Log>) {
    log.write(event.0.to_string());
    if let Some(open) = open {
        open.acquire().await.expect("never closed").forget();
    }
}

async fn next(incoming: &mut SqsIncoming) -> Received<SqsSettle> {
    timeout(Duration::from_mins(1), incoming.next()).await.expect("it is there").expect("connected")
}

/// What was said of the visibility of messages, in order: receipts, and seconds.
fn hidden(fake: &Fake) -> Vec<(String, String)> {
    let entries = |call: &crate::fake::Call| {
        call.each("ReceiptHandle").into_iter().zip(call.each("VisibilityTimeout")).collect::<Vec<_>>()
    };
    fake.calls(HIDE).iter().flat_map(entries).collect()
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_gives_back_what_was_read_ahead_and_waits_for_the_answer() {
    // The service takes its time for that.
    let fake = Fake::new(|call, _| {
        let done = || Box::new(Answer::Json(crate::fake::all_done(call)));
        (call.action == HIDE).then(|| Answer::Late(Duration::from_secs(2), done()))
    });
    fake.put(["1", "2", "3", "4"]);
    let source = fake.sqs().source("ahead").named("hamper").concurrency(1).prefetch(20);

    let (app, log) = start_with(Lifespan::builder().source(source).state(Semaphore::new(0))).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(log.take().len(), 1, "one is handled, and the others wait");
    let begun = Instant::now();
    app.state::<Semaphore>().expect("it was given").add_permits(1);
    let report = app.shutdown().await.expect("from outside");
    let took = begun.elapsed();
    assert!((Duration::from_secs(2)..Duration::from_secs(3)).contains(&took), "{took:?}: {report:?}");
    let zero = |receipt: &str| (receipt.to_owned(), "0".to_owned());
    assert_eq!(hidden(&fake), ["2", "3", "4"].map(zero), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_messages_that_have_not_come_and_takes_none() {
    let fake = Fake::new(|_, _| None);
    let source = fake.sqs().source("idle").named("hamper");
    let (app, log) = start_with(Lifespan::builder().source(source)).await;
    sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    app.shutdown().await.expect("from outside");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    fake.put(["7"]);
    sleep(Duration::from_mins(1)).await;
    assert_eq!((log.take().len(), hidden(&fake).len()), (0, 0), "nobody asks any more");
    let mut incoming = fake.sqs().source("idle").connect(1).await.expect("connected");
    assert_eq!(next(&mut incoming).await.message().body, b"7", "it is there for others");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_reports_what_could_not_be_given_back_and_does_not_wait_for_ever() {
    let fake = Fake::new(|call, _| (call.action == HIDE).then_some(Answer::Silence));
    fake.put(["1", "2"]);
    let source = fake.sqs().source("dead").named("hamper").concurrency(1);

    let (app, _) = start_with(Lifespan::builder().source(source).state(Semaphore::new(0))).await;
    sleep(Duration::from_secs(1)).await;
    app.state::<Semaphore>().expect("it was given").add_permits(1);
    let begun = Instant::now();
    let report = app.shutdown().await.expect("from outside");
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    let told = format!("{report:?}");
    assert!(told.contains("come again when their visibility time-out is over"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn no_settlement_outlasts_its_bound_whatever_the_service_does() {
    let slow = |call: &crate::fake::Call| {
        let failed = Answer::Json(some_failed(call, |_| Some(("InternalError", false))));
        Answer::Late(Duration::from_secs(9), Box::new(failed))
    };
    for (settlement, action) in [
        (Settlement::Ack, DELETE),
        (Settlement::Requeue, HIDE),
        (Settlement::Reject, DELETE),
        (Settlement::Reject, "SendMessage"),
    ] {
        for is_silent in [true, false] {
            let fake = Fake::new(move |call, _| {
                (call.action == action).then(|| if is_silent { Answer::Silence } else { slow(call) })
            });
            // More than go together in the calls that may be under way.
            let names: Vec<_> = (0..100).map(|number| number.to_string()).collect();
            fake.put(names.iter().map(String::as_str));
            let source = fake.sqs().source("bound").dead_letters("dead").visibility(Duration::from_hours(1));
            let mut incoming = source.connect(100).await.expect("connected");
            let mut held = Vec::new();
            for _ in 0..100 {
                held.push(next(&mut incoming).await);
            }
            let begun = Instant::now();
            let settled = join_all(held.into_iter().map(|received| received.settle(settlement))).await;
            assert!(begun.elapsed() < BOUND, "{settlement} {action} {is_silent}: {:?}", begun.elapsed());
            let is_copied = action == "SendMessage" && !is_silent;
            assert!(is_copied || settled.iter().all(Result::is_err), "{settlement} {action} {is_silent}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_extension_comes_behind_a_settlement() {
    for settlement in [None, Some(Settlement::Requeue), Some(Settlement::Ack)] {
        // The first extension is answered late, and that it is to be tried again.
        let fake = Fake::new(|call, before| {
            let failed = || Answer::Json(some_failed(call, |_| Some(("InternalError", false))));
            (call.action == HIDE && before == 0).then(|| Answer::Late(Duration::from_secs(5), Box::new(failed())))
        });
        fake.put_received("1", 3);
        let mut incoming = fake.sqs().source("order").connect(1).await.expect("connected");
        let received = next(&mut incoming).await;
        sleep(Duration::from_secs(20)).await;
        let extension = fake.calls(HIDE)[0].clone();
        assert_eq!(hidden(&fake), [("1".into(), "30".into())], "it is under way");
        match settlement {
            Some(settlement) => received.settle(settlement).await.expect("settled"),
            // It is given back.
            None => drop(received),
        }
        sleep(Duration::from_mins(5)).await;
        let expected = match settlement {
            Some(Settlement::Ack) => vec!["30"],
            Some(_) => vec!["30", "4"],
            None => vec!["30", "0"],
        };
        let seconds: Vec<_> = hidden(&fake).into_iter().map(|(_, seconds)| seconds).collect();
        assert_eq!(seconds, expected, "{settlement:?}");
        if let Some(last) = fake.calls(HIDE).get(1) {
            assert!(last.at >= extension.at + Duration::from_secs(5), "it waits until the service has answered");
        }
    }
}
