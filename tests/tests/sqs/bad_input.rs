//! What is no event, and what no queue takes.

use events::sqs::aws_sdk_sqs::config::retry::RetryConfig;
use events::sqs::aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use events::sqs::aws_sdk_sqs::{Client, Config};
use events::sqs::{Sqs, http_client};
use events::{
    CloudEvents, Envelope, Event, Format, FormatError, Lifespan, Message, Pair, Sink as _, Source as _, SourceExt as _,
    State, on,
};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::fake::Fake;
use crate::sending::{Bare, Lost};
use crate::support::{Log, start_with};
use crate::{moto, until};

#[derive(Event, Deserialize)]
struct Weight(u32);

#[on]
fn weigh(event: &Weight, log: State<Log>) {
    log.write(event.0.to_string());
}

#[tokio::test]
async fn a_message_that_is_no_event_is_rejected_and_the_next_one_is_handled() {
    let Some(moto) = moto::shared() else { return };
    let (url, dead) = moto.queue_with_dead_letters("odd", 5).await;
    let good = r#"{"specversion":"1.0","type":"weight","source":"/s","id":"1","data":7}"#;
    let huge =
        format!(r#"{{"specversion":"1.0","type":"weight","source":"/s","id":"1","data":"{}"}}"#, "x".repeat(1_000_000));
    let depth = "[".repeat(100_000);
    let bad = [
        "no JSON",
        "{",
        "[]",
        "\u{1}\u{0}",
        &good.replace('7', "\"seven\""),
        &good.replace("weight", ""),
        &huge,
        &depth,
    ];
    for body in bad {
        moto.put(&url, body, &[]).await;
    }
    for media_type in ["application/cloudevents+avro", "\u{1}", "text/plain"] {
        moto.put(&url, good, &[("content-type", moto::text(media_type))]).await;
    }
    moto.put(&url, good, &[]).await;
    let builder = Lifespan::builder().source(moto.sqs().source("odd").concurrency(1)).state(Lost::default());
    let (app, log) = start_with(builder).await;
    let lost = app.state::<Lost>().expect("it was given");
    until("all were settled", async || (moto.len(&url).await, moto.len(&dead).await) == (0, bad.len() + 3)).await;
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["7"]);
    let lines = lost.take();
    assert_eq!(lines.len(), bad.len() + 3, "{lines:?}");
    assert!(lines.iter().all(|line| line.len() < 1000 && !line.contains('\u{1}')), "{lines:?}");
}

/// A message as it is told.
struct Told(Message);

impl Format for Told {
    fn encode(&self, _: &Envelope) -> Result<Message, FormatError> {
        Ok(self.0.clone())
    }

    fn decode(&self, _: &Message) -> Result<Envelope, FormatError> {
        Err(FormatError::new("it is only written"))
    }
}

fn told(headers: &[(&str, &str)]) -> Told {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Told(Message { headers, body: b"null".to_vec(), content_type: None })
}

async fn refused(format: impl Format, event: &Envelope) -> String {
    let fake = Fake::new(|_, _| None);
    let error = fake.sqs().sink("odd").format(format).send(event).await.expect_err("it is not taken");
    assert!(error.is_permanent(), "{error}");
    assert!(fake.calls("SendMessageBatch").is_empty(), "nobody is asked");
    error.to_string()
}

#[tokio::test(start_paused = true)]
async fn what_no_queue_takes_is_a_permanent_error_that_says_why() {
    let event = Envelope::new("weight", "7").with_id("1").with_origin("/scales");
    let body = async |text: &str| refused(Bare, &Envelope::new("weight", text)).await;
    assert_eq!(body("").await, "the body is empty, and a message of SQS has one character at least");
    for (text, character) in [
        ("ab\u{0}", "U+0000 at byte 2"),
        ("\u{b}", "U+000B at byte 0"),
        ("\u{1f}", "U+001F at byte 0"),
        ("к\u{fffe}", "U+FFFE at byte 2"),
        ("\u{ffff}", "U+FFFF at byte 0"),
    ] {
        assert_eq!(body(text).await, format!("the body has {character}, a character that SQS does not allow"));
    }
    let bytes = Envelope::new("weight", [0xff]);
    let text = "the body is not UTF-8, and a message of SQS is text: use `CloudEvents::structured`";
    assert_eq!(refused(Bare, &bytes).await, text);
    let large = "x".repeat(1_048_577);
    let text = "the message has 1048577 bytes, 1048577 in its body and 0 in its attributes: SQS takes 1048576";
    assert_eq!(body(&large).await, text);
    let text = refused(told(&[("a", &large[..1_048_570])]), &event).await;
    assert_eq!(text, "the message has 1048581 bytes, 4 in its body and 1048577 in its attributes: SQS takes 1048576");
    assert_eq!(refused(told(&[("a", "")]), &event).await, "attribute `a` is empty, which SQS does not allow");
    assert_eq!(
        refused(told(&[("a", "1"), ("a", "2")]), &event).await,
        "attribute `a` stands twice, which SQS does not allow"
    );
    let text = refused(told(&[("a", "\u{7}")]), &event).await;
    assert_eq!(text, "attribute `a` has U+0007 at byte 0, a character that SQS does not allow");
    for name in ["", "a b", ".a", "a.", "a..b", "AWS.a", "amazon.b", "к", &"x".repeat(257)] {
        let text = refused(told(&[(name, "1")]), &event).await;
        assert!(text.contains("` is no name of an attribute in SQS: those have 256 characters at most"), "{text}");
    }
    let names: Vec<_> = (0..11).map(|number| format!("a{number}")).collect();
    let eleven: Vec<_> = names.iter().map(|name| (&**name, "1")).collect();
    let text =
        "the message has 11 attributes, and SQS takes 10: use `CloudEvents::structured`, which needs five at most";
    assert_eq!(refused(told(&eleven), &event).await, text);
}

#[tokio::test(start_paused = true)]
async fn what_is_just_allowed_is_sent() {
    let fake = Fake::new(|_, _| None);
    let sink = |format: Told| fake.sqs().sink("odd").format(format);
    let event = Envelope::new("weight", "\t\n\r \u{7f}\u{80}\u{d7ff}\u{e000}\u{fffd}\u{10000}\u{10ffff}");
    fake.sqs().sink("odd").format(Bare).send(&event).await.expect("every character is allowed");
    fake.sqs()
        .sink("odd")
        .format(Bare)
        .send(&Envelope::new("weight", "x".repeat(1_048_576)))
        .await
        .expect("not too large");
    let names: Vec<_> = (0..10).map(|number| format!("a-_.{number}")).collect();
    let ten: Vec<_> = names.iter().map(|name| (&**name, "1")).collect();
    sink(told(&ten)).send(&event).await.expect("not too many");
    sink(told(&[(&"x".repeat(256), "awss")])).send(&event).await.expect("not too long");
    // The most that a pair has beside it.
    let rich = Envelope::new("weight", "7").with_id("1").with_origin("/s").with_correlation("2").with_causation("3");
    let rich = rich.with_hops(2).with_version(2).with_partition_key("k").with_trace(TRACE, Some("a=b"));
    fake.sqs().sink("odd").format(Pair).send(&rich).await.expect("it fits");
    assert_eq!(last_attributes(&fake).len(), 10);
    let text = refused(CloudEvents::binary(), &rich).await;
    assert!(
        text.ends_with("attributes, and SQS takes 10: use `CloudEvents::structured`, which needs five at most"),
        "{text}"
    );
    fake.sqs().sink("odd").send(&rich).await.expect("it fits");
    let expected = [
        ("ce-id", "1"),
        ("ce-type", "weight"),
        ("content-type", "application/cloudevents+json"),
        ("traceparent", TRACE),
        ("tracestate", "a=b"),
    ];
    let expected: Vec<_> = expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(last_attributes(&fake), expected);
}

/// Those of the message that was sent last, by their names.
fn last_attributes(fake: &Fake) -> Vec<(String, String)> {
    let calls = fake.calls("SendMessageBatch");
    let attributes = calls.last().expect("sent").body["Entries"][0]["MessageAttributes"].clone();
    let text = |value: &serde_json::Value| value["StringValue"].as_str().expect("text").to_owned();
    attributes.as_object().expect("attributes").iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A server that says the head of an answer, and then the same for ever; with nothing to say, it ends the answer there.
async fn endless(piece: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 10_000]).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\n\r\n").await;
                while !piece.is_empty() && stream.write_all(piece).await.is_ok() {}
            });
        }
    });
    port
}

fn sqs_at(port: u16) -> Sqs {
    let credentials = Credentials::new("key", "salmon", None, None, "test");
    let config = Config::builder().behavior_version(BehaviorVersion::latest()).credentials_provider(credentials);
    let config = config.region(Region::new("eu-central-1")).endpoint_url(format!("http://127.0.0.1:{port}"));
    let config = config.retry_config(RetryConfig::disabled()).http_client(http_client());
    Sqs::with_client(Client::from_conf(config.build()))
}

#[tokio::test]
async fn an_answer_that_does_not_end_takes_no_memory() {
    static PIECE: [u8; 1 << 20] = [b' '; 1 << 20];
    let error = sqs_at(endless(&PIECE).await).source("odd").connect(1).await.expect_err("it is no answer");
    assert_eq!(error.to_string(), "cannot find queue `odd`: the answer has more than 67108864 bytes");
    let cut_off =
        sqs_at(endless(b"").await).sink("odd").send(&Envelope::new("a", "1").with_id("1").with_origin("/b")).await;
    assert!(!cut_off.expect_err("it is no answer").is_permanent(), "another attempt may do");
}

/// A server that gives the same answer to everybody, in one piece or byte by byte.
async fn answering(media_type: &'static str, body: &'static [u8], is_dripping: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\r\n", body.len());
    let answer = [head.as_bytes(), body].concat();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                stream.set_nodelay(true).expect("it can be set");
                while stream.read(&mut [0; 10_000]).await.is_ok_and(|count| count > 0) {
                    let size = if is_dripping { 1 } else { answer.len() };
                    for piece in answer.chunks(size) {
                        let _ = stream.write_all(piece).await;
                        tokio::task::yield_now().await;
                    }
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn an_answer_that_is_none_is_told_of_and_one_that_drips_is_waited_for() {
    const JSON: &str = "application/x-amz-json-1.0";
    const DONE: &[u8] = br#"{"Successful":[{"Id":"0","MessageId":"m","MD5OfMessageBody":"m"}],"Failed":[]}"#;
    let event = Envelope::new("a", "1").with_id("1").with_origin("/b");
    for (media_type, body) in [
        (
            JSON,
            &b"{\"Successful\":[{\"Id\":\"0\",\"MessageId\":\"\xff\xfe\",\"MD5OfMessageBody\":\"m\"}],\"Failed\":[]}"[..],
        ),
        (JSON, b"{\"Messages\":[{\"Body\":\"\xff\",\"ReceiptHandle\":\"r\"}]}"),
        (JSON, b"\xff\xfe"),
        (JSON, b"[1]"),
        ("text/html; charset=utf-8", b"<h1>not \x00 here</h1>"),
        ("application/octet-stream", b"\x00\x01"),
    ] {
        let port = answering(media_type, body, false).await;
        let url = format!("http://127.0.0.1:{port}/1/odd");
        let error = sqs_at(port).sink(&url).send(&event).await.expect_err("it is no answer");
        let text = error.to_string();
        assert!(!error.is_permanent() && text.len() < 1000 && !text.contains('\u{0}'), "{body:?}: {text}");
        let source = sqs_at(port).source(&url).dead_letters("dead");
        let error = source.connect(1).await.expect_err("it is no answer").to_string();
        assert!(error.starts_with("cannot read queue `odd`: ") && error.len() < 1000, "{body:?}: {error}");
    }
    let port = answering(JSON, DONE, true).await;
    let sink = sqs_at(port).sink(&format!("http://127.0.0.1:{port}/1/odd"));
    sink.send(&event).await.expect("it has come in the end");
    sink.send(&event).await.expect("and again");
}
