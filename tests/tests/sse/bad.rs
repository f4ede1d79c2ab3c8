//! What no good server sends: it is told of, it takes no memory, and the next event is handled.

use tokio::io::AsyncWriteExt as _;

use crate::server::{AT_ONCE, Server};
use crate::told::follow;

#[tokio::test]
async fn an_event_that_is_too_large_is_reported_and_the_next_one_is_handled() {
    let server = Server::start().await;
    let (app, story) = follow(server.source().event_limit(1000)).await;
    let mut stream = server.stream().await;
    stream.say(format!("{AT_ONCE}data: {}\nid: 1\n\ndata: 2\n\n", "x".repeat(5000))).await;
    let mut lines = story.lines(2).await;
    lines.sort();
    let error = "failure: the event has more than 1000 bytes, and was left out: see `event_limit`";
    assert_eq!(lines, [error, "message 2"]);
    drop(stream);
    story.line().await;
    assert_eq!(server.stream().await.last_event_id(), Some("1"), "it does not come again");
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn a_line_without_an_end_is_given_up() {
    let server = Server::start().await;
    let (app, story) = follow(server.source().event_limit(10_000)).await;
    for (number, begin) in ["data: ", ":", ""].into_iter().enumerate() {
        let mut stream = server.stream().await;
        stream.say(format!("{AT_ONCE}data: {number}\n\n{begin}")).await;
        assert_eq!(story.line().await, format!("message {number}"));
        let endless = async { while stream.stream.write_all(&[b'x'; 1000]).await.is_ok() {} };
        tokio::time::timeout(crate::told::FOR_EVER, endless).await.expect("nobody listens any more");
        let error = "an event or a comment has many times more than 10000 bytes, and does not end";
        assert_eq!(story.line().await, format!("attempt 1: {error}"));
    }
    let mut stream = server.stream().await;
    stream.say("data: 3\n\n").await;
    assert_eq!(story.line().await, "message 3");
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn what_is_no_text_and_no_field_is_left_out() {
    let server = Server::start().await;
    let (app, story) = follow(server.source()).await;
    let mut stream = server.stream().await;
    stream.say(b"\xff\xfe\x00\x01garbage\n\n{\"a\":1}\n\ndata\xc3: 1\n\n\0\0\0\n\n").await;
    stream.say(b"id: \x01\nid: a\0b\nretry: 1e9\nretry: -1\ndata: \"\xff\"\n\n").await;
    assert_eq!(story.line().await, "message \"\u{fffd}\"");
    // Deep as it is, it is one event, and no one's stack.
    stream.say(format!("data: {}\n\ndata: 2\n\n", "[".repeat(500_000))).await;
    let line = story.line().await;
    assert!(line.starts_with("message \"[[["), "{}", &line[..40]);
    assert_eq!(story.line().await, "message 2");
    stream.say(format!("data: {0}{1}\n\ndata: 3\n\n", "[".repeat(100_000), "]".repeat(100_000))).await;
    let mut lines = story.lines(2).await;
    lines.sort();
    assert!(lines[0] == "message 3" && lines[1].starts_with("message [[["), "{}", &lines[0][..40.min(lines[0].len())]);
    app.shutdown().await.expect("from outside");
}
