//! How messages are received and settled, call by call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use events::sqs::{SqsIncoming, SqsSettle};
use events::{Event, Incoming as _, Lifespan, Received, Settlement, Source as _, SourceExt as _, State, on};
use futures_util::future::join_all;
use serde::Deserialize;
use tokio::time::{sleep, timeout};

use crate::fake::{Answer, Fake, all_done, some_failed};
use crate::support::{Log, start_with};

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

async fn next(incoming: &mut SqsIncoming) -> Received<SqsSettle> {
    timeout(Duration::from_mins(1), incoming.next()).await.expect("it is there").expect("connected")
}

fn body(received: &Received<SqsSettle>) -> String {
    String::from_utf8_lossy(&received.message().body).into_owned()
}

#[tokio::test(start_paused = true)]
async fn no_more_is_asked_for_than_the_prefetch() {
    let fake = Fake::new(|_, _| None);
    fake.put(names(100).iter().map(String::as_str));
    let mut incoming = fake.sqs().source("many").connect(37).await.expect("connected");
    let asked = |fake: &Fake| -> usize {
        fake.each("ReceiveMessage", "MaxNumberOfMessages")
            .concat()
            .iter()
            .map(|count| count.parse::<usize>().expect("a number"))
            .sum()
    };
    let mut held = Vec::new();
    for _ in 0..37 {
        held.push(next(&mut incoming).await);
    }
    assert!(timeout(Duration::from_mins(1), incoming.next()).await.is_err(), "there is no room");
    assert_eq!(asked(&fake), 37);
    // Room for one is asked for.
    held.pop().expect("many").settle(Settlement::Ack).await.expect("settled");
    assert_eq!(body(&next(&mut incoming).await), "37");
    assert_eq!(asked(&fake), 38);
}

#[tokio::test(start_paused = true)]
async fn nobody_asks_for_what_nobody_waits_for() {
    let fake = Fake::new(|_, _| None);
    fake.put(names(30).iter().map(String::as_str));
    let mut incoming = fake.sqs().source("ending").connect(20).await.expect("connected");
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(next(&mut incoming).await);
    }
    // A lifespan that ends waits for its handlers, and for no other message.
    for received in held {
        received.settle(Settlement::Ack).await.expect("settled");
    }
    sleep(Duration::from_mins(10)).await;
    assert_eq!(fake.calls("ReceiveMessage").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_call_waits_while_there_is_nothing_and_several_when_there_is_plenty() {
    let most = Arc::new(AtomicUsize::new(0));
    let fake = Fake::new(|_, _| None);
    let mut incoming = fake.sqs().source("idle").connect(100).await.expect("connected");
    assert!(timeout(Duration::from_secs(199), incoming.next()).await.is_err(), "there is nothing");
    // The first call does not wait, each other one 20 s.
    assert_eq!(fake.calls("ReceiveMessage").len(), 1 + 10);
    fake.put(names(1000).iter().map(String::as_str));
    let before = fake.calls("ReceiveMessage").len();
    for _ in 0..1000 {
        let received = next(&mut incoming).await;
        tokio::spawn(received.settle(Settlement::Ack));
    }
    let calls = fake.calls("ReceiveMessage");
    let mut times: Vec<_> = calls[before..].iter().map(|call| call.at).collect();
    times.dedup();
    most.fetch_max(calls.len() - before, Ordering::Relaxed);
    assert!(calls.len() - before <= 200, "mostly whole batches: {}", calls.len() - before);
    assert!(times.len() < calls.len() - before, "some at a time");
}

#[tokio::test(start_paused = true)]
async fn acks_that_come_together_go_together() {
    let fake = Fake::new(|_, _| None);
    fake.put(names(60).iter().map(String::as_str));
    let mut incoming = fake.sqs().source("acks").connect(60).await.expect("connected");
    let mut held = Vec::new();
    for _ in 0..60 {
        held.push(next(&mut incoming).await);
    }
    let settled = join_all(held.into_iter().map(|received| received.settle(Settlement::Ack))).await;
    assert!(settled.iter().all(Result::is_ok), "{settled:?}");
    let calls = fake.each("DeleteMessageBatch", "ReceiptHandle");
    assert!(calls.len() <= 9, "four that go at once, and tens: {calls:?}");
    let mut all = calls.concat();
    all.sort_by_key(|name| name.parse::<u32>().ok());
    assert_eq!(all, names(60));
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_fails_is_tried_again_alone_or_told() {
    let fake = Fake::new(|call, before| {
        (call.action == "DeleteMessageBatch").then(|| {
            Answer::Json(some_failed(call, |entry| match entry["ReceiptHandle"].as_str() {
                Some("1") if before < 2 => Some(("InternalError", false)),
                Some("2") => Some(("ReceiptHandleIsInvalid", true)),
                _ => None,
            }))
        })
    });
    fake.put(["1", "2", "3"]);
    let mut incoming = fake.sqs().source("fails").connect(60).await.expect("connected");
    let held = [next(&mut incoming).await, next(&mut incoming).await, next(&mut incoming).await];
    let [one, two, three] = &join_all(held.map(|received| received.settle(Settlement::Ack))).await[..] else {
        panic!("three")
    };
    assert!(one.is_ok() && three.is_ok(), "{one:?} {three:?}");
    let told = "the message cannot be deleted: not this one (ReceiptHandleIsInvalid): the message comes again";
    assert_eq!(two.as_ref().expect_err("it was refused").to_string(), told);
    // It is not given back: else a queue that nothing may be deleted from had its messages handled all the time.
    sleep(Duration::from_mins(5)).await;
    assert_eq!(fake.calls("ChangeMessageVisibilityBatch").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_with_the_first_call_that_fails_and_what_came_before_is_handed_out() {
    let fake = Fake::new(|call, before| {
        (call.action == "ReceiveMessage" && before > 0).then_some(Answer::Error(403, "AccessDeniedException"))
    });
    fake.put(["1", "2"]);
    let mut incoming = fake.sqs().source("ends").connect(60).await.expect("connected");
    let (first, _second) = (next(&mut incoming).await, next(&mut incoming).await);
    let error = incoming.next().await.expect_err("no more");
    assert_eq!(error.to_string(), "cannot read queue `ends`: so it is (AccessDeniedException)");
    first.settle(Settlement::Ack).await.expect("that is another call");
    assert_eq!(fake.calls("ReceiveMessage").len(), 2, "nobody goes on asking");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_no_connection() {
    for (action, answer, told) in [
        ("GetQueueUrl", Answer::Error(400, "QueueDoesNotExist"), "cannot find queue `q`: so it is (QueueDoesNotExist)"),
        ("ReceiveMessage", Answer::Error(403, "AccessDenied"), "cannot read queue `q`: so it is (AccessDenied)"),
        ("ReceiveMessage", Answer::Silence, "cannot read queue `q`: the service has not answered within 15s"),
        ("GetQueueAttributes", Answer::Silence, "the service has not answered within 30s"),
        (
            "GetQueueAttributes",
            Answer::Error(403, "AccessDenied"),
            "cannot read the attributes of queue `q`, which is asked for its redrive policy, unless \
             `SqsSource::dead_letters` says where they go: so it is (AccessDenied)",
        ),
    ] {
        let fake = Fake::new(move |call, _| (call.action == action).then(|| answer.clone()));
        let error = fake.sqs().source("q").connect(1).await.expect_err("no connection");
        assert_eq!(error.to_string(), told);
    }
    let fake = Fake::new(|call, _| (call.action == "GetQueueAttributes").then_some(Answer::Broken));
    fake.sqs().source("q").dead_letters("d").connect(1).await.expect("nobody asks for the policy");
}

#[tokio::test(start_paused = true)]
async fn what_a_call_brings_after_the_connection_was_dropped_is_given_back() {
    let fake = Fake::new(|_, _| None);
    let mut incoming = fake.sqs().source("late").connect(5).await.expect("connected");
    assert!(timeout(Duration::from_secs(1), incoming.next()).await.is_err(), "there is nothing");
    drop(incoming);
    fake.put(["1"]);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(fake.each("ChangeMessageVisibilityBatch", "ReceiptHandle"), [["1"]]);
    assert_eq!(fake.each("ChangeMessageVisibilityBatch", "VisibilityTimeout"), [["0"]]);
    sleep(Duration::from_mins(5)).await;
    assert_eq!(fake.calls("ReceiveMessage").len(), 2, "nobody goes on asking");
    // So is what comes for somebody who did not wait for the connection.
    let fake = Fake::new(|_, _| None);
    fake.put(["2"]);
    let source = fake.sqs().source("late");
    // Two calls are answered by then, and the third is under way.
    assert!(timeout(Duration::from_millis(13), source.connect(5)).await.is_err(), "nobody is that fast");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(fake.each("ChangeMessageVisibilityBatch", "ReceiptHandle"), [["2"]]);
}

#[derive(Event, Deserialize)]
struct Tick(u32);

#[on]
fn tick(event: &Tick, log: State<Log>) {
    log.write(event.0.to_string());
}

#[tokio::test(start_paused = true)]
async fn a_source_outlives_throttling_nonsense_and_broken_connections_and_slows_down() {
    for answer in [
        Answer::Error(400, "ThrottlingException"),
        Answer::Text(200, "{\"Messages\":["),
        Answer::Text(502, "<html>"),
        Answer::Broken,
        Answer::Silence,
    ] {
        let first = answer.clone();
        let fake = Fake::new(move |call, before| {
            // Only the calls for messages, so that the way there works each time.
            (call.action == "ReceiveMessage" && (1..40).contains(&before)).then(|| first.clone())
        });
        let lost = Arc::new(AtomicUsize::new(0));
        let telling = Arc::clone(&lost);
        let source = fake.sqs().source("ticks").named("tick").on_attempt(move |_, _| {
            telling.fetch_add(1, Ordering::Relaxed);
        });
        let (app, log) = start_with(Lifespan::builder().source(source)).await;
        sleep(Duration::from_mins(30)).await;
        fake.put(["7"]);
        sleep(Duration::from_mins(1)).await;
        app.shutdown().await.expect("from outside");
        assert_eq!(log.take(), ["7"], "{answer:?}");
        assert!(lost.load(Ordering::Relaxed) >= 3, "{answer:?}: {lost:?}");
        assert_eq!(fake.each("DeleteMessageBatch", "ReceiptHandle"), [["7"]]);
        let calls = fake.calls("ReceiveMessage");
        let pause = calls[39].at - calls[30].at;
        assert!(pause > Duration::from_secs(5), "{answer:?}: nobody hurries: {pause:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_is_handled_one_after_another_and_goes_back_as_one() {
    let fake = Fake::new(|call, _| {
        (call.action == "DeleteMessageBatch").then(|| {
            let fails = |entry: &serde_json::Value| entry["ReceiptHandle"] == "b:1";
            Answer::Json(some_failed(call, |entry| fails(entry).then_some(("ReceiptHandleIsInvalid", true))))
        })
    });
    fake.put(["a:1", "a:2", "b:1", "a:3", "b:2", "c:1", "c:2", "a:4"]);
    let mut incoming = fake.sqs().source("groups.fifo").connect(50).await.expect("connected");
    let [a, b, c] = [next(&mut incoming).await, next(&mut incoming).await, next(&mut incoming).await];
    assert_eq!([&a, &b, &c].map(body), ["a:1", "b:1", "c:1"]);
    assert!(timeout(Duration::from_secs(9), incoming.next()).await.is_err(), "the others wait");
    a.settle(Settlement::Ack).await.expect("settled");
    let a = next(&mut incoming).await;
    assert_eq!(body(&a), "a:2");
    // Requeued, not deleted, and not settled: what stands behind them goes back before it is handled.
    a.settle(Settlement::Requeue).await.expect("settled");
    b.settle(Settlement::Ack).await.expect_err("it could not be deleted");
    drop(c);
    assert!(timeout(Duration::from_secs(9), incoming.next()).await.is_err(), "nothing is left");
    let calls = fake.calls("ChangeMessageVisibilityBatch");
    let mut back: Vec<_> = calls
        .iter()
        .flat_map(|call| call.each("ReceiptHandle").into_iter().zip(call.each("VisibilityTimeout")))
        .collect();
    back.sort();
    let expected = [("a:2", "1"), ("a:3", "0"), ("a:4", "0"), ("b:2", "0"), ("c:1", "0"), ("c:2", "0")];
    assert_eq!(back, expected.map(|(name, seconds)| (name.to_owned(), seconds.to_owned())));
    fake.put(["a:2", "c:1"]);
    assert_eq!([body(&next(&mut incoming).await), body(&next(&mut incoming).await)], ["a:2", "c:1"]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_before_a_message_comes_again_grows_with_the_receives() {
    let fake = Fake::new(|call, _| (call.action == "DeleteMessageBatch").then(|| Answer::Json(all_done(call))));
    let source = fake.sqs().source("again").requeue_after(Duration::from_secs(2)..=Duration::from_secs(7));
    let mut incoming = source.connect(1).await.expect("connected");
    for receives in 1..=4 {
        fake.put_received("1", receives);
        next(&mut incoming).await.settle(Settlement::Requeue).await.expect("settled");
    }
    assert_eq!(fake.each("ChangeMessageVisibilityBatch", "VisibilityTimeout").concat(), ["2", "4", "7", "7"]);
}
