//! How a stream is taken up again: where, when, and when not.

use std::time::{Duration, Instant};

use events::SourceExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::server::{AT_ONCE, HEAD, Server};
use crate::told::follow;

#[tokio::test]
async fn a_stream_is_taken_up_behind_the_last_event_that_is_settled() {
    let server = Server::start().await;
    let (app, story) = follow(server.source().last_event_id("start").expect("an id")).await;
    let mut stream = server.stream().await;
    assert_eq!(stream.last_event_id(), Some("start"));
    stream.say(format!("{AT_ONCE}id: 1\ndata: 1\n\nid: 2\ndata: 2\n\ndata: 3\n\nid: 4\ndata: not finished\n")).await;
    story.lines(3).await;
    drop(stream);
    story.line().await;
    let mut stream = server.stream().await;
    assert_eq!(stream.last_event_id(), Some("2"));
    stream.say("data: 4\n\nid: 5\n\n").await;
    story.line().await;
    drop(stream);
    story.line().await;
    let mut stream = server.stream().await;
    assert_eq!(stream.last_event_id(), Some("5"), "an id without data counts");
    stream.say("id\ndata: 6\n\n").await;
    story.line().await;
    drop(stream);
    story.line().await;
    assert_eq!(server.stream().await.last_event_id(), None, "an empty id takes it back");
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn events_under_way_are_waited_for_before_another_connection() {
    let server = Server::start().await;
    let (app, story) = follow(server.source()).await;
    let mut stream = server.stream().await;
    stream.say(format!("{AT_ONCE}id: 1\nevent: held\ndata: 1\n\nid: 2\ndata: 2\n\n")).await;
    story.lines(2).await;
    drop(stream);
    assert!(server.is_left_alone().await && story.rest().await.is_empty());
    story.gate.add_permits(1);
    assert_eq!(story.line().await, "attempt 1: the server has ended the stream");
    assert_eq!(server.stream().await.last_event_id(), Some("2"));
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn what_takes_too_long_comes_again() {
    let server = Server::start().await;
    let (app, story) = follow(server.source()).await;
    let mut stream = server.stream().await;
    stream.say(format!("{AT_ONCE}id: 0\ndata: 0\n\nid: 1\nevent: held\ndata: 1\n\nid: 2\ndata: 2\n\n")).await;
    story.lines(3).await;
    drop(stream);
    assert_eq!(story.line().await, "attempt 1: the server has ended the stream");
    assert_eq!(server.stream().await.last_event_id(), Some("0"), "the first that is not settled is 1");
    story.gate.add_permits(1);
    let lost =
        "failure: a message could not be settled by ack: the connection is lost: the event may be delivered again";
    assert_eq!(story.line().await, lost);
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn a_server_says_when_to_come_back() {
    let server = Server::start().await;
    let (app, story) = follow(server.source()).await;
    let mut stream = server.stream().await;
    let begun = Instant::now();
    stream.say("retry: 400\n").await;
    drop(stream);
    story.line().await;
    let stream = server.accept().await;
    assert!(begun.elapsed() >= Duration::from_millis(400), "{:?}", begun.elapsed());
    drop(stream);
    // What cannot be reached is left alone as long.
    let begun = Instant::now();
    story.line().await;
    let mut stream = server.stream().await;
    assert!(begun.elapsed() >= Duration::from_millis(390), "{:?}", begun.elapsed());
    stream.say(AT_ONCE).await;
    drop(stream);
    story.line().await;
    server.answer("HTTP/1.1 503 Busy\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n").await;
    let begun = Instant::now();
    assert_eq!(story.line().await, "attempt 2: the server has answered 503 Service Unavailable, and not 200");
    server.stream().await;
    assert!(begun.elapsed() >= Duration::from_millis(990), "{:?}", begun.elapsed());
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left_alone_for_a_second() {
    let server = Server::start().await;
    let (app, story) = follow(server.source()).await;
    drop(server.stream().await);
    let begun = Instant::now();
    story.line().await;
    server.stream().await;
    assert!(begun.elapsed() >= Duration::from_millis(990), "{:?}", begun.elapsed());
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn a_server_that_wants_no_more_connections_gets_none() {
    let server = Server::start().await;
    let (app, story) = follow(server.source()).await;
    let mut stream = server.stream().await;
    stream.say(AT_ONCE).await;
    drop(stream);
    story.line().await;
    server.answer("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(story.line().await, "attempt 2: the server has answered 204: it wants no more connections, for good");
    assert!(server.is_left_alone().await);
    assert!(app.shutdown().await.expect("from outside").is_clean());
}

#[tokio::test]
async fn other_answers_are_told_and_tried_again() {
    let server = Server::start().await;
    let (app, story) = follow(server.source()).await;
    let mut stream = server.stream().await;
    stream.say(AT_ONCE).await;
    drop(stream);
    story.line().await;
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x-header: y\r\n".repeat(1000));
    let answers = [
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "the server has answered 404 Not Found, and not 200"),
        ("HTTP/1.1 401 Nein\r\ncontent-length: 0\r\n\r\n", "the server has answered 401 Unauthorized, and not 200"),
        (
            "HTTP/1.1 206 Part\r\ncontent-type: text/event-stream\r\n\r\n",
            "the server has answered 206 Partial Content, and not 200",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\n\r\ndata: 1\n\n",
            "the server has answered with `text/html`, and a stream of events is `text/event-stream`",
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\ndata: 1\n\n",
            "the server has answered without a content type, and a stream of events is `text/event-stream`",
        ),
        ("ICY 200 OK\r\n\r\n", "the server cannot be reached: "),
        ("", "the server cannot be reached: "),
        (&many, "the server cannot be reached: "),
    ];
    for (number, (answer, error)) in answers.iter().enumerate() {
        server.answer(answer).await;
        let line = story.line().await;
        assert!(line.starts_with(&format!("attempt {}: {error}", number + 2)), "{line}");
    }
    let mut stream = server.accept().await;
    stream.say("HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream ; charset=UTF-8\r\n\r\ndata: 1\n\n").await;
    assert_eq!(story.line().await, "message 1");
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn redirects_are_followed_and_tell_no_other_host_any_secret() {
    let (server, other) = (Server::start().await, Server::start().await);
    let source =
        server.source().bearer("secret").and_then(|source| source.last_event_id("7")).expect("they can be sent");
    let (app, story) = follow(source.prefetch(3)).await;
    let to = |location: &str| format!("HTTP/1.1 307 There\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    assert!(server.answer(&to("../here")).await.has_header("authorization: bearer secret"));
    let asked = server.answer(&to(&format!("http://tom:cat@{}/there", other.address()))).await;
    assert!(asked.request.starts_with("get /here ") && asked.has_header("authorization: bearer secret"));
    let mut stream = other.stream().await;
    assert!(
        stream.request.starts_with("get /there ") && !stream.request.contains("authorization"),
        "{}",
        stream.request
    );
    assert_eq!(stream.last_event_id(), Some("7"));
    stream.say(format!("{AT_ONCE}data: 1\n\n")).await;
    assert_eq!(story.line().await, "message 1");
    drop(stream);
    story.line().await;
    for (location, error) in [
        ("ftp://cats.example/", "the server has redirected from `http` to `ftp`"),
        ("http://", "the server has answered 307 Temporary Redirect with a `Location` that cannot be read"),
    ] {
        server.answer(&to(location)).await;
        let line = story.line().await;
        assert!(line.ends_with(error), "{line}");
    }
    for _ in 0..11 {
        server.answer(&to("/stream")).await;
    }
    assert!(story.line().await.ends_with("the server has redirected more than 10 times"));
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn a_silent_stream_is_given_up() {
    let server = Server::start().await;
    let (app, story) = follow(server.source().idle_timeout(Duration::from_millis(200))).await;
    let mut stream = server.stream().await;
    stream.say(format!("{AT_ONCE}id: 1\ndata: 1\n\n")).await;
    assert_eq!(story.lines(2).await, ["message 1", "attempt 1: nothing has come for 200ms, not even a comment"]);
    assert_eq!(server.stream().await.last_event_id(), Some("1"));
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn time_in_which_nobody_reads_is_no_silence() {
    let server = Server::start().await;
    let source = server.source().idle_timeout(Duration::from_secs(2));
    let (app, story) = follow(source.prefetch(1)).await;
    let mut stream = server.stream().await;
    stream.say(format!("{AT_ONCE}event: held\ndata: 1\n\n")).await;
    story.line().await;
    // There is no condition to wait for: what is tested is that time alone does nothing.
    tokio::time::sleep(Duration::from_millis(2200)).await;
    story.gate.add_permits(1);
    assert!(server.is_left_alone().await, "the connection was given up");
    stream.say("data: 2\n\n").await;
    assert_eq!(story.line().await, "message 2");
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn a_stream_that_breaks_off_or_is_half_closed_is_taken_up_again() {
    let server = Server::start().await;
    let (app, story) = follow(server.source()).await;
    let mut stream = server.accept().await;
    let head = HEAD.replace("\r\n\r\n", "\r\ntransfer-encoding: chunked\r\n\r\n");
    stream.say(format!("{head}9\r\nretry: 0\n\r\n9\r\ndata: 1\n\n\r\nff\r\ndata: 2\n\n")).await;
    assert_eq!(story.lines(2).await, ["message 1", "message 2"]);
    drop(stream);
    let line = story.line().await;
    assert!(line.starts_with("attempt 1: the stream broke off: "), "{line}");
    // What is closed in one direction has ended, and its last words are not lost.
    let mut stream = server.stream().await;
    stream.say("data: 3\n\ndata: 4\n").await;
    stream.stream.shutdown().await.expect("it can be closed");
    assert_eq!(story.lines(2).await, ["message 3", "attempt 1: the server has ended the stream"]);
    let mut stream = server.stream().await;
    stream.say("data: 5\n\n").await;
    assert_eq!(story.line().await, "message 5");
    app.shutdown().await.expect("from outside");
}
