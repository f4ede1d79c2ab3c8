//! Messages are kept from others while they are under way, and no longer.

use std::time::Duration;

use events::sqs::{SqsIncoming, SqsSettle};
use events::{Incoming as _, Received, Settlement, Source as _};
use tokio::time::{sleep, timeout};

use crate::fake::{Answer, Fake, some_failed};

const ACTION: &str = "ChangeMessageVisibilityBatch";

/// So many messages, of names that are numbers.
fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

async fn taken(incoming: &mut SqsIncoming, count: usize) -> Vec<Received<SqsSettle>> {
    let mut all = Vec::new();
    for _ in 0..count {
        let next = timeout(Duration::from_mins(1), incoming.next()).await.expect("it is there");
        all.push(next.expect("connected"));
    }
    all
}

#[tokio::test(start_paused = true)]
async fn handlers_that_take_long_keep_their_messages_for_twelve_hours() {
    let fake = Fake::new(|_, _| None);
    fake.put(numbers(25).iter().map(String::as_str));
    let source = fake.sqs().source("slow").visibility(Duration::from_mins(10));
    // There is no room for more, so that nobody asks for it all the time.
    let mut incoming = source.connect(25).await.expect("connected");
    let handled = taken(&mut incoming, 25).await;
    sleep(Duration::from_hours(1)).await;
    let calls = fake.calls(ACTION);
    // Each is extended when half of its time is over, give or take an eighth, with nine others.
    assert!((18..=36).contains(&calls.len()), "{}", calls.len());
    assert!(calls.iter().all(|call| call.each("VisibilityTimeout").iter().all(|seconds| seconds == "600")));
    assert_eq!(calls.iter().map(|call| call.each("Id").len()).max(), Some(10));
    let of_one: Vec<_> = calls.iter().filter(|call| call.each("ReceiptHandle").contains(&"7".to_owned())).collect();
    let gaps = of_one.windows(2).map(|pair| pair[1].at - pair[0].at);
    assert!(
        gaps.clone().all(|gap| (Duration::from_mins(5)..Duration::from_mins(7)).contains(&gap)),
        "{:?}",
        gaps.collect::<Vec<_>>()
    );
    // Until the service would not keep them any longer.
    sleep(Duration::from_hours(13)).await;
    let calls = fake.calls(ACTION);
    let before = calls.len();
    let all: Vec<u32> = calls
        .iter()
        .flat_map(|call| call.each("VisibilityTimeout"))
        .map(|text| text.parse().expect("a number"))
        .collect();
    assert!(all.iter().all(|seconds| (1..=600).contains(seconds)) && all.iter().any(|seconds| *seconds < 600));
    sleep(Duration::from_hours(1)).await;
    assert_eq!(fake.calls(ACTION).len(), before);
    drop(handled);
}

#[tokio::test(start_paused = true)]
async fn what_is_settled_or_dropped_is_kept_no_longer() {
    let fake = Fake::new(|_, _| None);
    fake.put(["acked", "requeued", "rejected", "dropped", "waiting"]);
    let mut incoming = fake.sqs().source("few").connect(5).await.expect("connected");
    let mut handled = taken(&mut incoming, 4).await.into_iter();
    for settlement in [Settlement::Ack, Settlement::Requeue, Settlement::Reject] {
        handled.next().expect("four").settle(settlement).await.expect("settled");
    }
    assert_eq!(fake.each("DeleteMessageBatch", "ReceiptHandle"), [["acked"], ["rejected"]]);
    assert_eq!(fake.each(ACTION, "ReceiptHandle"), [["requeued"]]);
    assert_eq!(fake.each(ACTION, "VisibilityTimeout"), [["1"]]);
    drop(handled);
    drop(incoming);
    sleep(Duration::from_secs(1)).await;
    let mut back = fake.each(ACTION, "ReceiptHandle")[1..].concat();
    back.sort();
    assert_eq!(back, ["dropped", "waiting"]);
    assert!(fake.each(ACTION, "VisibilityTimeout")[1..].concat().iter().all(|seconds| seconds == "0"));
    let before = fake.calls(ACTION).len();
    sleep(Duration::from_mins(10)).await;
    assert_eq!(fake.calls(ACTION).len(), before, "nothing is kept that is not here");
}

#[tokio::test(start_paused = true)]
async fn what_is_being_handled_is_kept_when_its_connection_is_gone() {
    let fake = Fake::new(|_, _| None);
    fake.put(["1"]);
    let mut incoming = fake.sqs().source("one").connect(5).await.expect("connected");
    let handled = taken(&mut incoming, 1).await;
    drop(incoming);
    sleep(Duration::from_mins(2)).await;
    assert!(fake.calls(ACTION).len() >= 6, "{}", fake.calls(ACTION).len());
    for one in handled {
        one.settle(Settlement::Ack).await.expect("settled");
    }
    assert_eq!(fake.each("DeleteMessageBatch", "ReceiptHandle"), [["1"]]);
}

#[tokio::test(start_paused = true)]
async fn an_extension_that_fails_is_tried_again_in_time() {
    let fake = Fake::new(|call, before| {
        let fails = call.action == ACTION && before < 2;
        fails.then(|| Answer::Json(some_failed(call, |_| Some(("InternalError", false)))))
    });
    fake.put(["1"]);
    let mut incoming = fake.sqs().source("one").connect(5).await.expect("connected");
    let _handled = taken(&mut incoming, 1).await;
    sleep(Duration::from_secs(25)).await;
    let calls = fake.calls(ACTION);
    assert!(calls.len() >= 3, "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_others_may_have_by_now_is_not_handed_out() {
    let fake = Fake::new(|call, _| {
        (call.action == ACTION).then(|| Answer::Json(some_failed(call, |_| Some(("ReceiptHandleIsInvalid", true)))))
    });
    fake.put(["1", "2"]);
    let mut incoming = fake.sqs().source("late").connect(5).await.expect("connected");
    let first = taken(&mut incoming, 1).await;
    sleep(Duration::from_mins(1)).await;
    fake.put(["3"]);
    let next = taken(&mut incoming, 1).await;
    assert_eq!(next[0].message().body, b"3");
    // The one that is being handled is asked for once: nothing can be done about it.
    let asked = fake.each(ACTION, "ReceiptHandle").concat();
    assert_eq!(asked.iter().filter(|receipt| *receipt == "1").count(), 1, "{asked:?}");
    drop(first);
}
