//! What leaves by one webhook and comes in at another lifespan: the contract of transports, as far as HTTP has it.

mod http_support;

use std::time::{Duration, SystemTime};

use events::http::{Intake, Webhook};
use events::{AnyEvent, CloudEvents, Envelope, Event, Lifespan, Sink, SinkExt as _, State, on};
use http_support::{CatFed, CatTold, Done, open_gate, serve, start, start_with};

#[on("arrives-*")]
fn keep(event: &AnyEvent, done: State<Done>) {
    let beside = (event.id().to_string(), event.correlation().to_string(), event.causation().map(ToString::to_string));
    done.write(format!("{} {beside:?} {} {:?} {}", event.name(), event.hops(), event.time(), event.json()));
}

/// A lifespan that takes events, and where it does.
async fn other_side(change: impl FnOnce(Intake) -> Intake) -> (Lifespan, Done, String) {
    let (app, done) = start().await;
    let url = format!("http://{}/", serve(change(Intake::new(&app)).router()).await);
    (app, done, url)
}

fn ways(url: &str) -> [Webhook; 3] {
    let new = || Webhook::new(url).expect("a URL");
    [new(), new().format(CloudEvents::structured()), new().in_batches(100)]
}

#[tokio::test]
async fn what_is_sent_arrives_whole() {
    let (app, done, url) = other_side(Intake::accept_unknown).await;
    let mut expected = Vec::new();
    for webhook in ways(&url) {
        for payload in
            ["null".to_owned(), r#"{"text":"ü \"quoted\" \n"}"#.to_owned(), format!("\"{}\"", "x".repeat(65_536))]
        {
            let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
            let sent =
                Envelope::new("arrives-кот", payload.as_str()).with_id("id \"1\" 100%").with_time(time).with_hops(3);
            let sent = sent.with_origin("/t?a=b%20c").with_correlation("c 1").with_causation("b,1").with_version(2);
            webhook.send(&sent).await.expect("sent");
            let beside = ("id \"1\" 100%", "c 1", Some("b,1"));
            expected.push(format!("arrives-кот {beside:?} 3 {time:?} {payload}"));
            // One after another, so that it is known which one came.
            assert_eq!(done.wait(expected.len()).await.last(), expected.last());
        }
    }
    app.shutdown().await.expect("from outside");
    assert_eq!(done.lines(), expected, "each once");
}

#[tokio::test]
async fn what_is_sent_arrives_once_and_in_order() {
    for number in 0..3 {
        let (app, done, url) = other_side(Intake::accept_unknown).await;
        let webhook = &ways(&url)[number];
        let envelopes: Vec<_> = (0..250)
            .map(|id: u32| Envelope::new("arrives-sent", id.to_string()).with_id(&id.to_string()).with_origin("/t"))
            .collect();
        for batch in envelopes.chunks(webhook.max_batch()) {
            let answers = webhook.send_many(batch).await;
            assert!(answers.len() == batch.len() && answers.iter().all(Result::is_ok), "{answers:?}");
        }
        app.shutdown().await.expect("from outside");
        let came: Vec<_> =
            done.lines().iter().map(|line| line.rsplit(' ').next().expect("a payload").to_owned()).collect();
        let expected: Vec<_> = (0..250).map(|id: u32| id.to_string()).collect();
        assert_eq!(came, expected);
    }
}

fn fed(id: u32, fish: u32) -> Envelope {
    Envelope::new("cat-fed", format!(r#"{{"fish":{fish}}}"#)).with_id(&id.to_string()).with_origin("/t")
}

#[tokio::test]
async fn each_event_of_a_batch_is_answered() {
    let (app, done, url) = other_side(|intake| intake).await;
    let webhook = Webhook::new(&url).expect("a URL").in_batches(100);
    let batch =
        [fed(0, 1), fed(1, 0), fed(2, 1), Envelope::new("dog-fed", "1").with_id("3").with_origin("/t"), fed(4, 1)];
    let answers = webhook.send_many(&batch).await;
    let permanent: Vec<_> =
        answers.iter().map(|answer| answer.as_ref().err().map(events::SinkError::is_permanent)).collect();
    assert_eq!(permanent, [None, Some(true), None, Some(true), None]);
    app.shutdown().await.expect("from outside");
    assert_eq!(done.lines(), ["fed 1 0", "fed 1 2", "fed 1 4"], "each once");
}

/// Dispatches an event where it is sent to the other side and handled by nobody, and answers what failed.
async fn send(webhook: Webhook, event: impl Event) -> (u64, Vec<String>) {
    let sink = webhook.only().attempts(3).backoff(Duration::from_millis(1)..=Duration::from_millis(1));
    let (app, _) = start_with(Lifespan::builder().sink("cat-*", sink)).await;
    let delivery = app.deliver(event).await.expect("accepted");
    let failures = delivery.failures().iter().map(|failure| format!("{} {}", failure.attempt(), failure.cause()));
    let failures = failures.collect();
    let report = app.shutdown().await.expect("from outside");
    (report.failed, failures)
}

#[tokio::test]
async fn events_go_from_one_lifespan_to_the_other() {
    let (app, done, url) = other_side(|intake| intake).await;
    for (number, webhook) in ways(&url).into_iter().enumerate() {
        assert_eq!(send(webhook, CatFed { fish: 2 }).await, (0, vec![]));
        assert_eq!(done.wait(number + 1).await.len(), number + 1);
    }
    app.shutdown().await.expect("from outside");
    assert!(done.lines().iter().all(|line| line.starts_with("fed 2 ")), "{:?}", done.lines());
}

#[tokio::test]
async fn who_waits_tries_again_what_failed_there() {
    let (app, done, url) = other_side(|intake| intake).await;
    let webhook = || Webhook::new(&url).and_then(|webhook| webhook.header("prefer", "wait=30")).expect("a URL");
    let (failed, failures) = send(webhook(), CatTold { to: "fail".into() }).await;
    assert_eq!((failed, failures.len()), (1, 1));
    assert!(failures[0].starts_with("3 ") && failures[0].ends_with("500 Internal Server Error"), "{failures:?}");
    assert_eq!(done.lines(), ["heard"; 3], "each attempt was handled there");
    let (_, failures) = send(webhook(), CatTold { to: "reject".into() }).await;
    assert!(failures[0].starts_with("1 ") && failures[0].ends_with("422 Unprocessable Entity"), "{failures:?}");
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn who_is_full_says_when_to_come_again() {
    let (app, done) = start_with(Lifespan::builder().max_pending(1)).await;
    let url = format!("http://{}/", serve(Intake::new(&app).router()).await);
    let hang = Envelope::new("cat-told", r#"{"to":"hang"}"#).with_id("1").with_origin("/t");
    Webhook::new(&url).expect("a URL").send(&hang).await.expect("sent");
    for webhook in ways(&url) {
        let error = webhook.send(&fed(2, 1)).await.expect_err("it is full");
        assert_eq!((error.is_permanent(), error.retry_after()), (false, Some(Duration::from_secs(5))));
    }
    open_gate(&app);
    assert_eq!(done.wait(2).await.len(), 2);
    // As many as the handlers leave room for, which the delivery does when it has ended.
    let report = app.shutdown().await.expect("from outside");
    assert_eq!(report.delivered, 1);
}

#[tokio::test]
async fn a_chain_that_is_too_long_ends_there() {
    let (app, done, url) = other_side(|intake| intake).await;
    let webhook = Webhook::new(&url).expect("a URL");
    webhook.send(&fed(1, 1).with_hops(64)).await.expect("sent");
    assert!(webhook.send(&fed(2, 1).with_hops(65)).await.expect_err("too deep").is_permanent());
    app.shutdown().await.expect("from outside");
    assert_eq!(done.lines(), ["fed 1 1"]);
}
