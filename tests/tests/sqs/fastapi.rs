//! Pairs, as fastapi-events writes them, and as whoever reads for it has to understand them.

use events::{AnyEvent, Lifespan, Pair, SinkExt as _, SourceExt as _, State, dispatch_named, on};
use serde_json::Value;

use crate::support::{Log, start_with};
use crate::{moto, until};

/// Names and payloads, that both sides send.
const EVENTS: &str = include_str!("../../data/fastapi-events/events.json");
/// The bodies that its handler has put into a queue: `tests/data/fastapi-events/sqs.py` says how, and reads ours.
const THEIRS: &str = include_str!("../../data/fastapi-events/sent.json");

#[on("PY_*")]
fn cat(event: &AnyEvent, log: State<Log>) {
    log.write(format!("{} {}", event.name(), event.json()));
}

fn events() -> Vec<(String, Value)> {
    serde_json::from_str(EVENTS).expect("a list of pairs")
}

fn theirs() -> Vec<String> {
    serde_json::from_str(THEIRS).expect("a list of texts")
}

#[tokio::test]
async fn our_pairs_are_theirs() {
    let Some(moto) = moto::shared() else { return };
    let url = moto.queue("pairs-out", &[]).await;
    let sink = moto.sqs().sink(&url).format(Pair).only();
    let (app, _) = start_with(Lifespan::builder().sink("PY_*", sink)).await;
    app.scope(async {
        for (name, payload) in events() {
            dispatch_named(&name, payload.to_string()).expect("accepted");
        }
    })
    .await;
    app.shutdown().await.expect("from outside");
    let mut ours = Vec::new();
    for _ in events() {
        let message = moto.take(&url).await;
        let has = |name: &str| message.message_attributes().is_some_and(|all| all.contains_key(name));
        assert!(has("pair-id") && has("pair-source") && !has("ce-id"), "{message:?}");
        ours.push(message.body().expect("a body").to_owned());
    }
    let read = |bodies: &[String]| -> Vec<(String, Value)> {
        bodies.iter().map(|body| serde_json::from_str(body).expect("a pair")).collect()
    };
    assert_eq!(read(&ours), events());
    assert_eq!(read(&ours), read(&theirs()));
    if let Some(path) = std::env::var_os("EVENTS_SQS_PAIRS") {
        std::fs::write(path, serde_json::to_string(&ours).expect("texts")).expect("a file");
    }
}

#[tokio::test]
async fn their_pairs_are_our_events() {
    let Some(moto) = moto::shared() else { return };
    let url = moto.queue("pairs-in", &[]).await;
    for body in theirs() {
        moto.put(&url, &body, &[]).await;
    }
    let (app, log) = start_with(Lifespan::builder().source(moto.sqs().source(&url).format(Pair))).await;
    until("all were handled", async || moto.len(&url).await == 0).await;
    app.shutdown().await.expect("from outside");
    let mut read: Vec<(String, Value)> = log
        .take()
        .iter()
        .map(|line| {
            let (name, payload) = line.split_once(' ').expect("two");
            (name.to_owned(), serde_json::from_str(payload).expect("JSON"))
        })
        .collect();
    read.sort_by_key(|(name, _)| events().iter().position(|(known, _)| known == name));
    assert_eq!(read, events());
}
