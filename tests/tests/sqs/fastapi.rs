//! Pairs, as fastapi-events writes them, and as it understands them.

use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use events::{AnyEvent, Lifespan, Pair, SinkExt as _, SourceExt as _, State, dispatch_named, on};
use serde_json::Value;

use crate::support::{Log, start_with};
use crate::{moto, until};

/// Names and payloads, that both sides send.
const EVENTS: &str = include_str!("../../data/fastapi-events/events.json");
/// The bodies that its handler has put into a queue: `tests/data/fastapi-events/sqs.py` says how.
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
}

/// A Python that has fastapi-events and a client for SQS; nothing where there is none on this machine.
fn python() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/moto/bin/python");
    let beside = moto::program().and_then(|program| Some(program.parent()?.join("python")));
    let can_read = |python: &PathBuf| {
        let output = Command::new(python).args(["-c", "import boto3, fastapi_events.handlers.local"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let found = beside.into_iter().chain([own]).find(can_read);
    if found.is_none() {
        let missing = "there is no Python with `fastapi-events` and `boto3` beside `moto_server` or in `target/moto`: nobody \
                       but `events` reads its pairs";
        assert!(env::var_os("CI").is_none(), "{missing}");
        // Not by the macro, whose text is kept from those whose tests pass.
        let _ = writeln!(std::io::stderr(), "\nSKIPPED: {missing}\n");
    }
    found
}

#[tokio::test]
async fn our_pairs_are_events_of_fastapi_events() {
    let Some(moto) = moto::shared() else { return };
    let Some(python) = tokio::task::spawn_blocking(python).await.expect("no panic") else { return };
    let url = moto.queue("pairs-read", &[]).await;
    let (app, _) = start_with(Lifespan::builder().sink("PY_*", moto.sqs().sink(&url).format(Pair).only())).await;
    app.scope(async {
        for (name, payload) in events() {
            dispatch_named(&name, payload.to_string()).expect("accepted");
        }
    })
    .await;
    app.shutdown().await.expect("from outside");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/fastapi-events/sqs.py");
    let mut consumer = Command::new(python);
    consumer.arg(script).args([moto.url(), url.clone(), events().len().to_string()]);
    // With it, nothing would be dispatched there.
    consumer.env_remove("FASTAPI_EVENTS_DISABLE_DISPATCH");
    let output = tokio::task::spawn_blocking(move || consumer.output()).await.expect("no panic").expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut handled: Vec<(String, Value)> = serde_json::from_slice(&output.stdout).expect("a list of pairs");
    // A standard queue has no order.
    handled.sort_by_key(|(name, _)| events().iter().position(|(known, _)| known == name));
    assert_eq!(handled, events());
    assert_eq!(moto.len(&url).await, 0, "and each is deleted");
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
