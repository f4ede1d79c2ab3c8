//! Out to a queue, and in again.

use std::process::Command;
use std::time::Duration;

use events::sqs::Sqs;
use events::sqs::aws_sdk_sqs::primitives::Blob;
use events::sqs::aws_sdk_sqs::types::MessageAttributeValue;
use events::{
    Envelope, Event, Lifespan, Message, Metadata, ScopeValue, Sink as _, SinkExt as _, Source as _, SourceExt as _,
    State, dispatch, on,
};
use serde::{Deserialize, Serialize};

use crate::support::{Log, start_with};
use crate::{moto, until};

#[derive(Debug, Event, Serialize, Deserialize)]
struct CatFed {
    fish: u32,
}

#[on]
async fn fed(event: &CatFed, metadata: Metadata, raw: Option<ScopeValue<Message>>, log: State<Log>) {
    let header = |name| raw.as_ref().and_then(|raw| raw.header(name)).unwrap_or("-").to_owned();
    let same = header("ce-id") == metadata.id().to_string();
    let count = header("sqs-approximate-receive-count");
    log.write(format!("{} {same} {} {count}", event.fish, header("ce-type")));
}

async fn feed(app: &Lifespan, fish: std::ops::RangeInclusive<u32>) {
    app.scope(async {
        for fish in fish {
            dispatch(CatFed { fish }).expect("accepted");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_sent_comes_in_elsewhere_with_its_identity() {
    let Some(moto) = moto::shared() else { return };
    for name in ["trip", "trip.fifo"] {
        let url = moto.queue(name, &[]).await;
        // By its name, and by its URL.
        let source = moto.sqs().source(name);
        let source = if name == "trip" { source } else { source.wait(Duration::ZERO) };
        let (kitchen, log) = start_with(Lifespan::builder().source(source)).await;
        let (shop, _) = start_with(Lifespan::builder().sink("cat-*", moto.sqs().sink(&url).only())).await;
        feed(&shop, 1..=105).await;
        let report = shop.shutdown().await.expect("from outside");
        assert_eq!((report.failed, report.aborted), (0, 0), "{report}");
        until("all came, and were deleted", async || log.count("105 true cat-fed 1") == 1 && moto.len(&url).await == 0)
            .await;
        kitchen.shutdown().await.expect("from outside");
        let mut lines = log.take();
        if name == "trip" {
            lines.sort_by_key(|line| line.split(' ').next().and_then(|fish| fish.parse::<u32>().ok()));
        }
        let expected: Vec<_> = (1..=105).map(|fish| format!("{fish} true cat-fed 1")).collect();
        assert_eq!(lines, expected, "{name}");
    }
}

#[tokio::test]
async fn a_lifespan_may_have_both_ends_of_a_queue() {
    let Some(moto) = moto::shared() else { return };
    let url = moto.queue("both-ends", &[]).await;
    let sqs = moto.sqs();
    let builder = Lifespan::builder().source(sqs.source("both-ends")).sink("cat-*", sqs.sink("both-ends"));
    let (app, log) = start_with(builder).await;
    feed(&app, 1..=3).await;
    until("all are done", async || log.count("3 true cat-fed 1") == 1 && moto.len(&url).await == 0).await;
    app.shutdown().await.expect("from outside");
    assert_eq!(
        log.take().len(),
        6,
        "each is handled when it is dispatched, and when it comes in, and is not sent again"
    );
}

#[derive(Event, Deserialize)]
struct MiceSeen(u32);

#[on]
fn seen(event: &MiceSeen, raw: ScopeValue<Message>, log: State<Log>) {
    let known = ["sqs-sender-id", "where", "count", "bytes", "sqs-message-group-id"];
    let known: Vec<_> = known.iter().map(|name| raw.header(name).unwrap_or("-")).collect();
    let is_number = |name| raw.header(name).is_some_and(|text| text.parse::<u64>().is_ok());
    let times = is_number("sqs-sent-timestamp") && is_number("sqs-approximate-first-receive-timestamp");
    log.write(format!("{} {:?} {} {times}", event.0, raw.content_type, known.join(" ")));
}

#[tokio::test]
async fn messages_of_other_programs_show_their_attributes() {
    let Some(moto) = moto::shared() else { return };
    let url = moto.queue("mice", &[]).await;
    let number = MessageAttributeValue::builder().data_type("Number.int").string_value("-3").build();
    let bytes = MessageAttributeValue::builder().data_type("Binary").binary_value(Blob::new([0, 255])).build();
    let attributes = [
        ("Content-Type", moto::text("text/json")),
        ("where", moto::text("cellar")),
        ("count", number.expect("all there")),
        ("bytes", bytes.expect("all there")),
        ("sqs-sender-id", moto::text("a lie")),
    ];
    moto.put(&url, "7", &attributes).await;
    let (app, log) = start_with(Lifespan::builder().source(moto.sqs().source(&url).named("mice-seen"))).await;
    let expected = r#"7 Some("text/json") AIDAIT2UOQQY3AUEKVGXU cellar -3 AP8= - true"#;
    until("it came", async || log.count(expected) == 1).await;
    app.shutdown().await.expect("from outside");
}

/// Where the environment says that the service is: told to a process of its own, since nobody may change that of this one.
const CHILD: &str = "EVENTS_TESTS_SQS_CHILD";

#[tokio::test]
async fn the_environment_says_where_the_service_is() {
    let Some(moto) = moto::shared() else { return };
    let url = moto.queue("environment", &[]).await;
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args(["--exact", "round_trip::a_process_of_its_own", "--nocapture"]).env(CHILD, "1");
    child.env("AWS_ENDPOINT_URL", moto.url()).env("AWS_REGION", "eu-central-1").env("AWS_CONFIG_FILE", "/dev/null");
    child.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "salmon");
    child.env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    let output = tokio::task::spawn_blocking(move || child.output()).await.expect("no panic").expect("it runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains(r#"Sqs { region: Some("eu-central-1"), .. }"#), "{printed}");
    assert!(!printed.contains("salmon"), "{printed}");
    let message = moto.take(&url).await;
    assert!(message.body().is_some_and(|body| body.contains(r#""data":{"fish":7}"#)), "{message:?}");
}

#[tokio::test]
async fn a_process_of_its_own() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let sqs = Sqs::from_env().await;
    let envelope = Envelope::new("cat-fed", r#"{"fish":7}"#).with_id("1").with_origin("/child");
    let (sink, source) = (sqs.sink("environment"), sqs.source("environment"));
    sink.send(&envelope).await.expect("sent");
    println!("{sqs:?} {sink:?} {source:?} {}", source.address());
}
