//! What becomes of events that a service does not take at once.

use std::sync::Mutex;
use std::time::Duration;

use events::{
    Envelope, Event, Failure, Format, FormatError, Lifespan, Message, Sink as _, SinkExt as _, State, dispatch, on,
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::fake::{Answer, Call, Fake, all_done, some_failed};
use crate::support::start_with;

#[derive(Event, Serialize, Deserialize)]
struct Order(String);

/// What could not be sent, or handled, and why.
#[derive(Debug, Default)]
pub(crate) struct Lost(Mutex<Vec<String>>);

impl Lost {
    fn write(&self, line: String) {
        self.0.lock().expect("nobody panics").push(line);
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("nobody panics"))
    }
}

#[on(failure)]
fn failed(failure: &Failure, lost: Option<State<Lost>>) {
    let Some(lost) = lost else { return };
    let payload = failure.event().map(|event| event.json().to_string()).unwrap_or_default();
    lost.write(format!("{payload} {} {}", failure.attempt(), failure.cause()));
}

/// The payload, and nothing else.
pub(crate) struct Bare;

impl Format for Bare {
    fn encode(&self, envelope: &Envelope) -> Result<Message, FormatError> {
        Ok(Message { body: envelope.payload().into(), ..Message::default() })
    }

    fn decode(&self, message: &Message) -> Result<Envelope, FormatError> {
        Ok(Envelope::new("order", message.body.clone()))
    }
}

/// Dispatches orders in one scope, to a queue, by their first letter's group; answers what was lost.
async fn order(fake: &Fake, queue: &str, orders: &[&str]) -> Vec<String> {
    let sink = fake.sqs().sink(queue).format(Bare).grouped_by(|event| event.payload()[1..2].escape_ascii().to_string());
    let sink = sink.only().attempts(3).timeout(Duration::from_secs(30));
    let app = start_with(Lifespan::builder().sink("order", sink).state(Lost::default())).await.0;
    app.scope(async {
        for order in orders {
            dispatch(Order((*order).to_owned())).expect("accepted");
        }
    })
    .await;
    let lost = app.state::<Lost>().expect("it was given");
    app.shutdown().await.expect("from outside");
    lost.take()
}

fn sent(fake: &Fake) -> Vec<Vec<String>> {
    let all = fake.each("SendMessageBatch", "MessageBody");
    all.into_iter().map(|call| call.iter().map(|body| body.trim_matches('"').to_owned()).collect()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_alone() {
    let fake = Fake::new(|call, before| {
        let is_first = before == 0;
        (call.action == "SendMessageBatch").then(|| {
            Answer::Json(some_failed(call, |entry| match entry["MessageBody"].as_str() {
                Some("\"b\"") if is_first => Some(("InternalError", false)),
                Some("\"d\"") => Some(("InvalidMessageContents", true)),
                Some("\"e\"") => Some(("RequestThrottled", true)),
                _ => None,
            }))
        })
    });
    let lost = order(&fake, "orders", &["a", "b", "c", "d", "e"]).await;
    assert_eq!(sent(&fake), [vec!["a", "b", "c", "d", "e"], vec!["b", "e"], vec!["e"]]);
    let told = "the service has not taken the message: not this one";
    assert_eq!(
        lost,
        [format!("\"d\" 1 {told} (InvalidMessageContents)"), format!("\"e\" 3 {told} (RequestThrottled)")]
    );
}

#[tokio::test(start_paused = true)]
async fn the_order_of_a_group_survives_what_fails() {
    let fake = Fake::new(|call, before| {
        (call.action == "SendMessageBatch").then(|| {
            // The second of `a`, on its first attempt.
            let fails = |entry: &serde_json::Value| entry["MessageBody"] == "\"a2\"" && before < 2;
            Answer::Json(some_failed(call, |entry| fails(entry).then_some(("InternalError", false))))
        })
    });
    let lost = order(&fake, "orders.fifo", &["a1", "a2", "b1", "a3", "b2", "a4"]).await;
    assert_eq!(lost, [""; 0]);
    let calls = sent(&fake);
    assert_eq!(calls, [vec!["a1", "b1"], vec!["a2", "b2"], vec!["a2"], vec!["a3"], vec!["a4"]]);
    let groups = fake.each("SendMessageBatch", "MessageGroupId");
    assert_eq!(groups[0], ["a", "b"]);
    // The same event is known again.
    let known = fake.each("SendMessageBatch", "MessageDeduplicationId");
    assert_eq!(known[1][0], known[2][0]);
    let all: std::collections::BTreeSet<_> = known.iter().flatten().collect();
    assert!(all.len() == 6 && all.iter().all(|id| id.len() == 64), "{known:?}");
}

#[tokio::test(start_paused = true)]
async fn a_permanent_error_keeps_no_other_one_of_the_group_back() {
    let fake = Fake::new(|call, _| {
        (call.action == "SendMessageBatch").then(|| {
            let fails = |entry: &serde_json::Value| entry["MessageBody"] == "\"a1\"";
            Answer::Json(some_failed(call, |entry| fails(entry).then_some(("InvalidMessageContents", true))))
        })
    });
    let lost = order(&fake, "orders.fifo", &["a1", "a2"]).await;
    assert!(lost.len() == 1 && lost[0].starts_with("\"a1\" 1 "), "{lost:?}");
    assert_eq!(sent(&fake), [["a1"], ["a2"]]);
}

#[tokio::test(start_paused = true)]
async fn one_message_for_which_the_whole_call_is_refused_is_found() {
    let fake = Fake::new(|call, _| {
        let has = |call: &Call| call.each("MessageBody").contains(&"\"b\"".to_owned());
        let refused = call.action == "SendMessageBatch" && has(call);
        refused.then_some(Answer::Error(400, "InvalidParameterValue"))
    });
    let lost = order(&fake, "orders", &["a", "b", "c"]).await;
    assert_eq!(lost, ["\"b\" 1 the service has not taken the message: so it is (InvalidParameterValue)"]);
    assert_eq!(sent(&fake), [vec!["a", "b", "c"], vec!["a"], vec!["b"], vec!["c"]]);
}

#[tokio::test(start_paused = true)]
async fn what_the_queue_takes_from_nobody_is_refused_in_one_call() {
    for (status, code) in [(400, "QueueDoesNotExist"), (403, "AccessDeniedException")] {
        let fake = Fake::new(move |call, _| (call.action == "SendMessageBatch").then_some(Answer::Error(status, code)));
        let lost = order(&fake, "orders", &["a", "b"]).await;
        let expected =
            ["a", "b"].map(|order| format!("\"{order}\" 1 the service has not taken the message: so it is ({code})"));
        assert_eq!(lost, expected);
        assert_eq!(sent(&fake), [["a", "b"]]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_service_a_broken_one_and_one_that_says_nonsense_are_tried_again() {
    for answer in [
        Answer::Error(400, "ThrottlingException"),
        Answer::Error(503, "ServiceUnavailable"),
        Answer::Error(403, "ExpiredTokenException"),
        Answer::Text(200, "<html>"),
        Answer::Text(403, "<html>"),
        Answer::Json(serde_json::json!({ "Successful": [], "Failed": [] })),
        Answer::Broken,
        Answer::Silence,
    ] {
        let begun = Instant::now();
        let first = answer.clone();
        // Longer than the client itself tries it.
        let fake = Fake::new(move |call, _| {
            let is_early = begun.elapsed() < Duration::from_secs(25);
            (call.action == "SendMessageBatch")
                .then(|| if is_early { first.clone() } else { Answer::Json(all_done(call)) })
        });
        let sink = fake.sqs().sink("orders").format(Bare).only().timeout(Duration::from_secs(10)).attempts(9);
        let app = start_with(Lifespan::builder().sink("order", sink).state(Lost::default())).await.0;
        app.scope(async { dispatch(Order("a".into())).expect("accepted") }).await;
        let lost = app.state::<Lost>().expect("it was given").take();
        app.shutdown().await.expect("from outside");
        assert_eq!(lost, [""; 0], "{answer:?}");
        assert!(sent(&fake).len() > 1, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_ids_of_fifo_queues_fit_and_nobody_else_gets_them() {
    let fake = Fake::new(|_, _| None);
    let event = Envelope::new("order", "1").with_id("7").with_origin("/shop");
    let groups = ["", "two words", "кот", "plain!", &"x".repeat(128), &"x".repeat(129)];
    for group in groups {
        let group = group.to_owned();
        let sink = fake.sqs().sink("orders.fifo").format(Bare);
        let other = group.clone();
        let sink = sink.grouped_by(move |_| group.clone()).deduplicated_by(move |_| other.clone());
        sink.send(&event).await.expect("sent");
    }
    let ids = fake.each("SendMessageBatch", "MessageGroupId").concat();
    assert_eq!(ids, fake.each("SendMessageBatch", "MessageDeduplicationId").concat());
    for (group, id) in groups.iter().zip(&ids) {
        let fits = matches!(*group, "plain!") || *group == "x".repeat(128);
        assert_eq!(id == group, fits, "{group} {id}");
        assert!(id.len() <= 128 && !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic()), "{id}");
    }
    // Without closures: the partition key, and one group for all others; the identity with its origin.
    let fake = Fake::new(|_, _| None);
    let sink = fake.sqs().sink("orders.fifo").format(Bare);
    let elsewhere = event.clone().with_origin("/sho").with_partition_key("north");
    for event in [&event, &elsewhere, &event] {
        sink.send(event).await.expect("sent");
    }
    assert_eq!(fake.each("SendMessageBatch", "MessageGroupId"), [["events"], ["north"], ["events"]]);
    let ids = fake.each("SendMessageBatch", "MessageDeduplicationId").concat();
    assert!(ids[0] == ids[2] && ids[0] != ids[1], "{ids:?}");
    // A standard queue has no use for the one, and for the other where it is asked.
    let fake = Fake::new(|_, _| None);
    let plain = fake.sqs().sink("orders").format(Bare).deduplicated_by(|_| "7".into());
    plain.send(&event).await.expect("sent");
    fake.sqs().sink("orders").format(Bare).grouped_by(|_| "7".into()).send(&event).await.expect("sent");
    assert_eq!(fake.each("SendMessageBatch", "MessageGroupId"), [["null"], ["7"]]);
    assert_eq!(fake.each("SendMessageBatch", "MessageDeduplicationId"), [["null"], ["null"]]);
}
