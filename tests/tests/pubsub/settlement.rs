//! What becomes of messages.

use std::time::Duration;

use events::{
    Envelope, Event, Incoming as _, Lifespan, Mark, Message, ScopeValue, Settlement, Sink as _, Source as _,
    SourceExt as _, State, on,
};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tonic::Code;

use crate::service::{Options, Service, subscription, topic};
use crate::support::{Log, start_with};
use crate::{Bare, numbered, until};

#[derive(Event, Deserialize)]
struct Letter(u32);

/// What each number means.
#[on]
async fn read(event: &Letter, mark: Mark, raw: ScopeValue<Message>, log: State<Log>) -> Result<(), String> {
    let attempt = raw.header("pubsub-delivery-attempt").unwrap_or("-");
    let line = format!("{} {attempt}", event.0);
    let again = log.count(&line) > 0;
    log.write(line);
    match event.0 {
        1 => mark.reject(),
        2 if !again && attempt.parse().unwrap_or(1) == 1 => mark.requeue(),
        3 if !again && attempt.parse().unwrap_or(1) == 1 => return Err("no mark".into()),
        _ => {}
    }
    Ok(())
}

async fn letters(service: &Service, name: &str) {
    let sink = service.pubsub().sink(name).format(Bare);
    let sent = sink.send_many(&["0", "1", "2", "3", "no number"].map(|body| Envelope::new("letter", body))).await;
    assert!(sent.iter().all(Result::is_ok), "{sent:?}");
}

#[tokio::test]
async fn what_is_rejected_is_dropped_where_nobody_takes_dead_letters() {
    let service = Service::start().await;
    service.make("letters", Options::default());
    letters(&service, "letters").await;
    let (app, log) = start_with(Lifespan::builder().source(service.pubsub().source("letters").named("letter"))).await;
    until("all are gone", async || service.backlog("letters") == 0).await;
    app.shutdown().await.expect("from outside");
    let mut lines = log.take();
    lines.sort();
    assert_eq!(lines, ["0 -", "1 -", "2 -", "2 -", "3 -", "3 -"]);
}

#[tokio::test]
async fn what_is_rejected_goes_to_the_dead_letters_after_its_deliveries() {
    let service = Service::start().await;
    service.make("dead", Options::default());
    service.make("posts", Options { dead_letters: Some((topic("dead"), 3)), ..Options::default() });
    letters(&service, "posts").await;
    let (app, log) = start_with(Lifespan::builder().source(service.pubsub().source("posts").named("letter"))).await;
    until("all are gone", async || service.backlog("posts") == 0).await;
    app.shutdown().await.expect("from outside");
    let mut lines = log.take();
    lines.sort();
    assert_eq!(lines, ["0 1", "1 1", "1 2", "1 3", "2 1", "2 2", "3 1", "3 2"]);
    let mut dead: Vec<_> =
        service.state().kept(&subscription("dead")).into_iter().map(|message| message.data).collect();
    dead.sort();
    assert_eq!(dead, [&b"1"[..], b"no number"]);
}

#[derive(Event, Deserialize)]
struct Slow(u32);

#[on]
async fn slow(event: &Slow, open: Option<State<Semaphore>>, log: State<Log>) {
    log.write(format!("begun {}", event.0));
    open.expect("this one has it").acquire().await.expect("never closed").forget();
}

#[tokio::test]
async fn a_handler_may_take_longer_than_the_deadline_and_the_stream_is_kept_alive() {
    let service = Service::start().await;
    service.make("slow", Options::default());
    service.pubsub().sink("slow").format(Bare).send(&Envelope::new("slow", "1")).await.expect("published");
    let source = service.pubsub().source("slow").ack_deadline(Duration::from_secs(1)).named("slow");
    let (app, log) = start_with(Lifespan::builder().source(source).state(Semaphore::new(0))).await;
    until("it has begun", async || log.count("begun 1") == 1).await;
    assert_eq!(service.calls("StreamingPull")[0].seconds, 10, "the shortest there is");
    // Three deadlines later.
    until("the stream was kept alive", async || service.state().pings() == 1).await;
    let extensions = service.calls("ModifyAckDeadline");
    assert!(extensions.len() >= 3 && extensions.iter().all(|call| call.seconds == 10), "{extensions:?}");
    app.state::<Semaphore>().expect("it was given").add_permits(9);
    until("it is settled", async || service.backlog("slow") == 0).await;
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["begun 1"], "nobody else had it");
}

#[tokio::test]
async fn a_message_is_not_kept_for_ever() {
    let service = Service::start().await;
    service.make("kept", Options::default());
    service.pubsub().sink("kept").format(Bare).send(&Envelope::new("slow", "1")).await.expect("published");
    let source = service.pubsub().source("kept").ack_deadline(Duration::from_secs(10)).longest(Duration::ZERO);
    let mut incoming = source.connect(2).await.expect("a stream");
    let first = incoming.next().await.expect("a message");
    // Nobody has said anything of the first one for 10 s.
    let again = incoming.next().await.expect("it comes again");
    assert!(service.calls("ModifyAckDeadline").is_empty());
    again.settle(Settlement::Ack).await.expect("settled");
    first.settle(Settlement::Ack).await.expect("nobody knows better");
}

#[tokio::test]
async fn what_was_read_ahead_is_given_back_at_once() {
    let service = Service::start().await;
    service.make("ahead", Options::default());
    service.pubsub().sink("ahead").format(Bare).send_many(&numbered(0..5)).await;
    let source = service.pubsub().source("ahead").ack_deadline(Duration::from_mins(10));
    let mut incoming = source.connect(5).await.expect("a stream");
    let first = incoming.next().await.expect("a message");
    until("all are with us", async || service.state().out(&subscription("ahead")) == 5).await;
    drop(incoming);
    until("four are back", async || service.state().out(&subscription("ahead")) == 1).await;
    // Its stream is gone, and it is settled all the same.
    first.settle(Settlement::Ack).await.expect("settled");
    assert_eq!(service.backlog("ahead"), 4);
    let mut incoming = source.connect(5).await.expect("a stream");
    drop(incoming.next().await.expect("a message"));
    let mut bodies = Vec::new();
    for _ in 0..4 {
        let next = incoming.next().await.expect("a message");
        bodies.push(next.message().body.clone());
        next.settle(Settlement::Ack).await.expect("settled");
    }
    bodies.sort();
    assert_eq!(bodies, [b"1", b"2", b"3", b"4"], "dropped, and come again");
}

#[tokio::test]
async fn a_settlement_waits_for_the_service_and_is_tried_again() {
    let service = Service::start().await;
    service.make("acks", Options::default());
    service.pubsub().sink("acks").format(Bare).send_many(&numbered(0..300)).await;
    let mut incoming = service.pubsub().source("acks").connect(300).await.expect("a stream");
    service.state().hold("Acknowledge");
    let mut settling = Vec::new();
    for _ in 0..300 {
        let received = incoming.next().await.expect("a message");
        settling.push(tokio::spawn(received.settle(Settlement::Ack)));
    }
    until("it was asked", async || service.state().waiting("Acknowledge") == 1).await;
    assert!(settling.iter().all(|settled| !settled.is_finished()) && service.backlog("acks") == 300);
    service.fail("Acknowledge", Code::Unavailable, 2);
    service.state().release("Acknowledge");
    for settled in settling {
        settled.await.expect("no panic").expect("settled");
    }
    assert_eq!(service.backlog("acks"), 0);
    // What has come while it was told of the first is told together.
    assert!(service.calls("Acknowledge").len() < 10, "{}", service.calls("Acknowledge").len());
}

#[tokio::test]
async fn a_settlement_that_the_service_refuses_is_an_error() {
    let service = Service::start().await;
    service.make("refused", Options::default());
    service.pubsub().sink("refused").format(Bare).send_many(&numbered(0..1)).await;
    let mut incoming = service.pubsub().source("refused").connect(1).await.expect("a stream");
    let received = incoming.next().await.expect("a message");
    service.fail("Acknowledge", Code::PermissionDenied, 1);
    let error = received.settle(Settlement::Ack).await.expect_err("refused");
    assert_eq!(error.to_string(), "PERMISSION_DENIED: told to fail: grant `roles/pubsub.subscriber`");
}

#[tokio::test]
async fn exactly_once_says_which_acknowledgements_came_too_late() {
    let service = Service::start().await;
    service.make("once", Options { is_exactly_once: true, ..Options::default() });
    service.pubsub().sink("once").format(Bare).send_many(&numbered(0..1)).await;
    let mut incoming = service.pubsub().source("once").connect(5).await.expect("a stream");
    let late = incoming.next().await.expect("a message");
    service.change(|state| state.expire(&subscription("once")));
    let again = incoming.next().await.expect("it comes again");
    let error = late.settle(Settlement::Ack).await.expect_err("its time is over");
    assert_eq!((error.to_string().as_str(), service.backlog("once")), ("PERMANENT_FAILURE_INVALID_ACK_ID", 1));
    // What may be mended is tried again.
    service.state().fail_ids("TRANSIENT_FAILURE_ACK", 1);
    again.settle(Settlement::Ack).await.expect("at the second attempt");
    assert_eq!((service.calls("Acknowledge").len(), service.backlog("once")), (3, 0));
}

#[tokio::test]
async fn of_acknowledgements_in_one_call_each_has_its_own_answer() {
    let service = Service::start().await;
    service.make("each", Options { is_exactly_once: true, ..Options::default() });
    service.pubsub().sink("each").format(Bare).send_many(&numbered(0..3)).await;
    let mut incoming = service.pubsub().source("each").connect(3).await.expect("a stream");
    service.state().hold("Acknowledge");
    let mut settling = Vec::new();
    for told in 0..3 {
        let received = incoming.next().await.expect("a message");
        settling.push(tokio::spawn(received.settle(Settlement::Ack)));
        // The first is told alone, and the two that have come meanwhile together.
        until("it was asked", async || told > 0 || service.state().waiting("Acknowledge") == 1).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    service.state().fail_ids("PERMANENT_FAILURE_OTHER", 1);
    service.state().release("Acknowledge");
    let mut answers = Vec::new();
    for settled in settling {
        answers.push(settled.await.expect("no panic").map_err(|error| error.to_string()));
    }
    assert_eq!(answers, [Err("PERMANENT_FAILURE_OTHER".into()), Ok(()), Ok(())]);
    assert_eq!(service.backlog("each"), 1);
}

#[tokio::test]
async fn a_message_that_comes_again_is_extended_no_more() {
    let service = Service::start().await;
    service.make("ordered", Options::default());
    service.pubsub().sink("ordered").format(Bare).send_many(&numbered(0..1)).await;
    let source = service.pubsub().source("ordered").ack_deadline(Duration::from_secs(10));
    let mut incoming = source.connect(1).await.expect("a stream");
    let received = incoming.next().await.expect("a message");
    service.state().hold("ModifyAckDeadline");
    until("it is being extended", async || service.state().waiting("ModifyAckDeadline") == 1).await;
    let settled = tokio::spawn(received.settle(Settlement::Requeue));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(service.state().waiting("ModifyAckDeadline"), 1, "the service might see the two in any order");
    service.state().release("ModifyAckDeadline");
    settled.await.expect("no panic").expect("settled");
    let seconds: Vec<_> = service.calls("ModifyAckDeadline").iter().map(|call| call.seconds).collect();
    assert_eq!(seconds, [10, 0]);
}
