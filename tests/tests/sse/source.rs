//! What the text of a stream becomes, and how its events are settled.

use std::sync::Arc;
use std::time::Duration;

use events::sse::{SseError, SseSource};
use events::{Batch, CloudEvents, Lifespan, Message, Metadata, ScopeValue, SourceExt as _, State, on};

use crate::server::{AT_ONCE, Server};
use crate::told::{Story, follow, start, telling};

#[tokio::test]
async fn names_data_and_texts() {
    let server = Server::start().await;
    let (app, story) = follow(server.source().concurrency(1)).await;
    let mut stream = server.stream().await;
    assert!(stream.has_header("accept: text/event-stream") && stream.has_header("cache-control: no-store"));
    assert_eq!(stream.last_event_id(), None);
    stream.say("\u{feff}: hello\r\nevent: cat-fed\r\ndata: {\"fish\":\r\ndata:  2}\r\n\r\n").await;
    stream.say("data: 17\n\ndata: hello\rdata: \"you\"\r\rdata\n\nevent: кот\ndata: \"ü\"\n\nid: 7\n\n").await;
    stream.say("data: never finished\n").await;
    drop(stream);
    let lines = story.lines(6).await;
    let expected = [
        "cat-fed {\"fish\":\n 2}",
        "message 17",
        r#"message "hello\n\"you\"""#,
        r#"message """#,
        "кот \"ü\"",
        "attempt 1: the server has ended the stream",
    ];
    assert_eq!(lines, expected);
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn all_data_may_be_text_and_all_events_one() {
    let server = Server::start().await;
    let (app, story) = follow(server.source().text().named("line-read")).await;
    let mut stream = server.stream().await;
    stream.say("event: anything\ndata: 17\n\n").await;
    assert_eq!(story.line().await, r#"line-read "17""#);
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn whole_cloud_events_are_read_where_they_are_asked_for() {
    let server = Server::start().await;
    let (app, story) = follow(server.source().format(CloudEvents::structured())).await;
    let mut stream = server.stream().await;
    stream
        .say("data: {\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/a\",\"type\":\"cat-fed\",\"data\":[1]}\n\n")
        .await;
    assert_eq!(story.line().await, "cat-fed [1]");
    app.shutdown().await.expect("from outside");
}

#[derive(events::Event, serde::Serialize, serde::Deserialize)]
struct CatSeen;

#[on]
fn tell_identity(_: &CatSeen, metadata: Metadata, message: ScopeValue<Message>, story: State<std::sync::Arc<Story>>) {
    let header = message.header("sse-id").unwrap_or("none");
    story.tell(format!("{} {header} {}", metadata.id(), message.header("sse-event").unwrap_or("none")));
}

#[tokio::test]
async fn an_event_has_the_id_that_stands_in_it() {
    let server = Server::start().await;
    let (app, story) = follow(server.source().concurrency(1)).await;
    let mut stream = server.stream().await;
    stream.say("event: cat-seen\nid: 7\ndata: null\n\nevent: cat-seen\ndata: null\n\n").await;
    let mut lines = story.lines(4).await;
    lines.retain(|line| line != "cat-seen null");
    assert_eq!(lines[0], "7 7 cat-seen");
    assert!(lines[1].ends_with(" none cat-seen") && !lines[1].starts_with("7 "), "{lines:?}");
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn a_stream_comes_a_byte_at_a_time() {
    let server = Server::start().await;
    let (app, story) = follow(server.source()).await;
    let mut stream = server.accept().await;
    stream.stream.set_nodelay(true).expect("it can be set");
    let text = format!("{}\u{feff}event: кот\r\ndata: 1\r\ndata: 2\r\n\r\ndata: 3\r\r", crate::server::HEAD);
    for byte in text.bytes() {
        stream.say([byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(story.lines(2).await, ["кот \"1\\n2\"", "message 3"]);
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn a_failing_handler_does_not_end_the_stream_and_its_event_comes_again() {
    let server = Server::start().await;
    let (app, story) = follow(server.source().max_deliveries(3)).await;
    let mut stream = server.stream().await;
    stream.say(format!("{AT_ONCE}id: 1\nevent: failing\ndata: 1\n\nid: 2\nevent: cat-fed\ndata: 2\n\n")).await;
    let mut lines = story.lines(8).await;
    lines.sort();
    let given_up = "failure: a message could not be settled by requeue: it was delivered 3 times, and is given up";
    let fails = "failure: it fails";
    assert_eq!(lines, ["cat-fed 2", "failing 1", "failing 1", "failing 1", given_up, fails, fails, fails]);
    stream.say("id: 3\nevent: cat-fed\ndata: 3\n\n").await;
    assert_eq!(story.line().await, "cat-fed 3");
    drop(stream);
    assert_eq!(story.line().await, "attempt 1: the server has ended the stream");
    assert_eq!(server.stream().await.last_event_id(), Some("3"), "what is given up holds nothing up");
    app.shutdown().await.expect("from outside");
}

#[derive(events::Event, serde::Serialize, serde::Deserialize)]
struct SheepCounted(u32);

#[on(batch = 3, within = "500ms")]
async fn sleep(sheep: Batch<SheepCounted>, story: State<Arc<Story>>) {
    let numbers: Vec<_> = sheep.iter().map(|sheep| sheep.0).collect();
    story.tell(format!("counted {numbers:?}"));
}

#[tokio::test]
async fn a_stream_is_handled_in_batches_and_its_position_is_behind_them() {
    let server = Server::start().await;
    let (app, story) = follow(server.source()).await;
    let mut stream = server.stream().await;
    let event = |number| format!("event: sheep-counted\nid: {number}\ndata: {number}\n\n");
    let told = [1, 2, 3, 4, 5].map(event).concat();
    stream.say(format!("{AT_ONCE}{told}")).await;
    let (mut counted, mut batches) = (Vec::new(), 0);
    while counted.len() < 5 {
        if let Some(numbers) = story.line().await.strip_prefix("counted ") {
            counted.extend(serde_json::from_str::<Vec<u32>>(numbers).expect("a list"));
            batches += 1;
        }
    }
    assert_eq!(counted, [1, 2, 3, 4, 5]);
    assert!((2..5).contains(&batches), "{batches} of three at the most");
    drop(stream);
    assert_eq!(server.stream().await.last_event_id(), Some("5"));
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn what_does_not_fit_is_reported_and_passed() {
    let server = Server::start().await;
    let (app, story) = follow(server.source()).await;
    let mut stream = server.stream().await;
    stream
        .say(format!("{AT_ONCE}id: 1\nevent: cat-seen\ndata: {{\"a\":1}}\n\nid: 2\nevent: no name\ndata: 1\n\n"))
        .await;
    let lines = story.lines(2).await;
    assert!(lines.iter().all(|line| line.starts_with("failure: ")), "{lines:?}");
    drop(stream);
    story.line().await;
    assert_eq!(server.stream().await.last_event_id(), Some("2"));
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn the_end_of_the_lifespan_ends_the_connection() {
    let server = Server::start().await;
    let (app, story) = follow(server.source()).await;
    let mut stream = server.stream().await;
    stream.say("event: held\ndata: 1\n\n").await;
    story.line().await;
    story.gate.add_permits(1);
    assert!(app.shutdown().await.expect("from outside").is_clean());
    let mut rest = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut stream.stream, &mut rest);
    let read = tokio::time::timeout(crate::told::FOR_EVER, read).await.expect("it is closed");
    assert!(read.is_ok_and(|bytes| bytes == 0) && story.rest().await.is_empty());
}

#[test]
fn what_cannot_be_asked_for_is_an_error_without_secrets() {
    for url in ["", "cats.example", "ftp://cats.example/", "http://"] {
        assert_eq!(SseSource::new(url).map(drop), Err(SseError::Url), "{url}");
    }
    for url in ["http://tom@cats.example/", "http://tom:secret@cats.example/"] {
        assert_eq!(SseSource::new(url).map(drop), Err(SseError::UserInUrl), "{url}");
    }
    let source = || SseSource::new("http://cats.example/").expect("a URL");
    for (name, value) in [("a b", "c"), ("", "c"), ("a", "b\nc"), ("a", "b\0")] {
        assert_eq!(source().header(name, value).map(drop), Err(SseError::Header), "{name}: {value}");
    }
    assert_eq!(source().bearer("secret\n").map(drop), Err(SseError::Header));
    assert_eq!(source().last_event_id("a\nb").map(drop), Err(SseError::Id));
    assert_eq!(source().last_event_id(&"x".repeat(1025)).map(drop), Err(SseError::Id));
}

#[tokio::test]
async fn secrets_are_sent_and_are_nowhere_else() {
    let server = Server::start().await;
    let source = SseSource::new(&format!("{}?token=geheim", server.url())).expect("a URL");
    let source = source.bearer("geheim").and_then(|source| source.header("x-key", "geheim")).expect("headers");
    let text = format!("{source:?} {}", events::Source::address(&source));
    assert!(!text.contains("geheim") && text.contains("x-key"), "{text}");
    let secret = SseSource::new("https://cats.example/hooks/geheim").expect("a URL");
    let (address, label) = (events::Source::address(&secret), events::Source::label(&secret));
    assert!(!format!("{secret:?} {address}").contains("geheim"), "{secret:?} {address}");
    assert!(address.starts_with("https://cats.example/~") && label == "https://cats.example", "{address} {label}");
    assert_eq!(events::Source::label(&secret.called("cats")), "cats");
    let plain = SseSource::new("https://cats.example").expect("a URL");
    assert_eq!(events::Source::address(&plain), "https://cats.example");
    let (app, story) = follow(source).await;
    let asked = server.answer("HTTP/1.1 500 geheim\r\ncontent-length: 6\r\n\r\ngeheim").await;
    assert!(asked.request.starts_with("get /stream?token=geheim http/1.1\r\n"), "{}", asked.request);
    assert!(asked.has_header("authorization: bearer geheim") && asked.has_header("x-key: geheim"));
    assert_eq!(story.line().await, "attempt 1: the server has answered 500 Internal Server Error, and not 200");
    drop(server);
    let line = story.line().await;
    assert!(line.starts_with("attempt 2: the server cannot be reached: ") && !line.contains("geheim"), "{line}");
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn one_stream_is_followed_once() {
    let both = |one: &str, other: &str| {
        let [one, other] =
            [one, other].map(|query| SseSource::new(&format!("http://127.0.0.1:9/{query}")).expect("a URL"));
        Lifespan::builder().source(one).source(other).state(Story::new()).start()
    };
    let error = both("?token=geheim", "?token=geheim").await.expect_err("they are the same").to_string();
    assert!(error.contains("http://127.0.0.1:9/~") && !error.contains("geheim"), "{error}");
    let app = both("?topic=cats", "?topic=dogs").await.expect("they are two");
    app.shutdown_within(Duration::from_secs(1)).await.expect("from outside");
}

#[tokio::test]
async fn what_comes_in_is_not_read_ahead_of_its_handlers() {
    let server = Server::start().await;
    let story = Story::new();
    let source = telling(server.source().event_limit(1 << 20).prefetch(4), &story);
    let app = start(Lifespan::builder().source(source), &story).await;
    let mut stream = server.stream().await;
    let event = format!("event: held\ndata: \"{}\"\n\n", "x".repeat(100_000));
    let mut written = 0;
    // Sockets and buffers take some, and then nobody takes anything.
    while tokio::time::timeout(Duration::from_secs(1), stream.say(&event)).await.is_ok() {
        written += 1;
        assert!(written < 500, "50 MB were read, with four events under way");
    }
    assert_eq!(story.lines(4).await.len(), 4);
    assert!(story.rest().await.is_empty(), "no more than four are handled");
    story.gate.add_permits(written);
    assert_eq!(story.lines(written - 4).await.len(), written - 4);
    app.shutdown_within(Duration::ZERO).await.expect("from outside");
}
