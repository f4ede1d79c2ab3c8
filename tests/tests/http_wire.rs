//! Clients over real connections that do what no good client does. Whatever they do, the next message is handled.

mod http_support;

use std::net::SocketAddr;
use std::time::Duration;

use events::Lifespan;
use events::http::Intake;
use http_support::{Done, Wire, open_gate, serve, start};

/// A server, and what its handlers have done.
struct Server {
    app: Lifespan,
    address: SocketAddr,
    done: Done,
}

async fn server(change: impl FnOnce(Intake) -> Intake) -> Server {
    let (app, done) = start().await;
    let address = serve(change(Intake::new(&app)).router()).await;
    Server { app, address, done }
}

fn fed(length: impl std::fmt::Display, more: &str) -> String {
    let head = "POST /events/cat-fed HTTP/1.1\r\nhost: cafe\r\ncontent-type: application/json\r\n";
    format!("{head}content-length: {length}\r\n{more}\r\n")
}

fn chunked(more: &str) -> String {
    fed(0, more).replace("content-length: 0", "transfer-encoding: chunked")
}

const FISH: &str = r#"{"fish":1}"#;

impl Server {
    async fn wire(&self) -> Wire {
        Wire::connect(self.address).await
    }

    /// Sends what is wrong, then what is right, which alone is handled.
    async fn goes_on(self) {
        let mut wire = self.wire().await;
        assert!(wire.send(fed(FISH.len(), "") + FISH).await);
        let reply = wire.reply().await.expect("an answer");
        assert_eq!(reply.status, 202, "{reply:?}");
        let lines = self.done.wait(1).await;
        self.app.shutdown().await.expect("from outside");
        assert_eq!((self.done.lines().len(), lines[0].starts_with("fed 1")), (1, true), "{lines:?}");
    }
}

#[tokio::test]
async fn malformed_requests_are_told_so() {
    let server = server(|intake| intake).await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"POST /events/cat-fed\r\n\r\n",
        b"POST /events/cat-fed HTTP/1.1\r\nhost: cafe\r\nbad header\r\n\r\n",
        b"POST /events/cat-fed HTTP/1.1\r\nhost: cafe\r\nce-id: \x00\r\n\r\n",
        fed("ten", "").as_bytes(),
        fed(10, "content-length: 11\r\n").as_bytes(),
    ] {
        let mut wire = server.wire().await;
        assert!(wire.send(bytes).await);
        let reply = wire.reply().await.unwrap_or_else(|| panic!("no answer to {bytes:?}"));
        assert_eq!(reply.status, 400, "{bytes:?}");
        assert!(wire.is_closed().await);
    }
    server.goes_on().await;
}

#[tokio::test]
async fn malformed_chunks_are_told_so() {
    let server = server(|intake| intake).await;
    for chunks in ["x\r\n", "5\r\n{\"fis", "ffffffffffffffffff\r\n", "5\r\n12345678\r\n"] {
        let mut wire = server.wire().await;
        assert!(wire.send(chunked("") + chunks).await);
        wire.half_close().await;
        // Whether there is still somebody to be told, the server decides.
        if let Some(reply) = wire.reply().await {
            assert_eq!(reply.status, 400, "{chunks:?} {reply:?}");
        }
        assert!(wire.is_closed().await);
    }
    server.goes_on().await;
}

#[tokio::test]
async fn a_body_in_small_chunks_is_whole() {
    let server = server(|intake| intake.body_limit(FISH.len())).await;
    let mut wire = server.wire().await;
    assert!(wire.send(chunked("")).await);
    for byte in FISH.chars() {
        assert!(wire.send(format!("1;note=\"x\"\r\n{byte}\r\n")).await);
    }
    assert!(wire.send("0\r\nx-trailer: 1\r\n\r\n").await);
    assert_eq!(wire.reply().await.expect("an answer").status, 202);
    assert_eq!(server.done.wait(1).await.len(), 1);
}

#[tokio::test]
async fn too_large_a_body_is_not_waited_for() {
    let server = server(|intake| intake.body_limit(1000)).await;
    // Announced, and never sent.
    for more in ["", "expect: 100-continue\r\n"] {
        let mut wire = server.wire().await;
        assert!(wire.send(fed(1_000_000_000_000_u64, more)).await);
        let reply = wire.reply().await.expect("an answer");
        assert_eq!(reply.status, 413, "{reply:?}");
        assert!(reply.head.contains("connection: close") && reply.body.contains("more than 1000 bytes"), "{reply:?}");
    }
    // Not announced, and just too long.
    let mut wire = server.wire().await;
    assert!(wire.send(chunked("") + "3e8\r\n" + &" ".repeat(1000) + "\r\n1\r\n \r\n").await);
    assert_eq!(wire.reply().await.expect("an answer").status, 413);
    assert!(wire.is_closed().await);
    server.goes_on().await;
}

#[tokio::test]
async fn who_asks_first_is_told_to_go_on() {
    let server = server(|intake| intake).await;
    let mut wire = server.wire().await;
    assert!(wire.send(fed(FISH.len(), "expect: 100-continue\r\n")).await);
    assert_eq!(wire.reply().await.expect("an answer").status, 100);
    assert!(wire.send(FISH).await);
    assert_eq!(wire.reply().await.expect("an answer").status, 202);
    // Who asks with what is not taken need not send it.
    assert!(wire.send(fed(FISH.len(), "expect: 100-continue\r\n").replace("application/json", "text/plain")).await);
    assert_eq!(wire.reply().await.expect("an answer").status, 415);
}

#[tokio::test]
async fn a_slow_body_is_not_waited_for() {
    let server = server(|intake| intake.body_timeout(Duration::from_millis(100))).await;
    for begun in [fed(FISH.len(), "") + &FISH[..5], fed(FISH.len(), ""), chunked("") + "5\r\n{\"fis\r\n"] {
        let mut wire = server.wire().await;
        assert!(wire.send(&begun).await);
        let reply = wire.reply().await.expect("an answer");
        assert_eq!(reply.status, 408, "{reply:?}");
        assert!(reply.head.contains("connection: close") && reply.body.contains("within 100ms"), "{reply:?}");
        assert!(wire.is_closed().await);
    }
    server.goes_on().await;
}

#[tokio::test]
async fn half_a_request_is_no_request() {
    let server = server(|intake| intake).await;
    for begun in [
        "POST /events/c".into(),
        fed(FISH.len(), ""),
        fed(FISH.len(), "") + &FISH[..5],
        chunked("") + "5\r\n{\"fis\r\n",
    ] {
        let mut wire = server.wire().await;
        assert!(wire.send(&begun).await);
        wire.half_close().await;
        if let Some(reply) = wire.reply().await {
            assert_eq!(reply.status, 400, "{begun} {reply:?}");
        }
        assert!(wire.is_closed().await);
    }
    server.goes_on().await;
}

#[tokio::test]
async fn a_whole_request_is_handled_though_its_sender_has_closed() {
    let server = server(|intake| intake).await;
    let mut wire = server.wire().await;
    assert!(wire.send(fed(FISH.len(), "") + FISH).await);
    wire.half_close().await;
    let _answer = wire.reply().await;
    assert_eq!(server.done.wait(1).await.len(), 1);
}

#[tokio::test]
async fn a_sender_that_goes_away_while_it_waits_loses_nothing() {
    let server = server(|intake| intake).await;
    let mut wire = server.wire().await;
    let body = r#"{"to":"hang"}"#;
    let request = fed(body.len(), "prefer: wait=30\r\n").replace("cat-fed", "cat-told") + body;
    assert!(wire.send(request).await);
    assert_eq!(server.done.wait(1).await, ["heard"], "its handlers are at work");
    drop(wire);
    open_gate(&server.app);
    assert_eq!(server.done.wait(2).await, ["heard", "told to hang"]);
    assert!(server.app.shutdown().await.expect("from outside").is_clean());
}

#[tokio::test]
async fn endless_headers_are_cut_off() {
    let server = server(|intake| intake).await;
    for endless in ["x-more: and more\r\n", "x", "ce-id"] {
        let mut wire = server.wire().await;
        assert!(wire.send(fed(FISH.len(), "").trim_end()).await);
        assert!(wire.send("\r\n").await);
        let piece = endless.repeat(1 + 4096 / endless.len());
        let mut sent = 0;
        // Until the server has had enough, which is soon.
        while sent < 64 << 20 && wire.send(&piece).await {
            sent += piece.len();
        }
        assert!(sent < 64 << 20, "{sent} bytes of headers were read");
    }
    server.goes_on().await;
}

#[tokio::test]
async fn a_name_or_an_attribute_that_is_not_utf8_is_told_so() {
    let server = server(|intake| intake).await;
    let mut wire = server.wire().await;
    assert!(wire.send(fed(FISH.len(), "").replace("cat-fed", "%C3%28") + FISH).await);
    assert_eq!(wire.reply().await.expect("an answer").status, 400);
    let mut head = fed(FISH.len(), "ce-specversion: 1.0\r\nce-type: cat-fed\r\nce-source: /t\r\n")
        .replace("/events/cat-fed", "/")
        .into_bytes();
    head.truncate(head.len() - 2); // the empty line comes later
    for (id, status) in [(&b"\xff\xfe"[..], 400), (b"%C0%A0", 400), ("é".as_bytes(), 202)] {
        let mut wire = server.wire().await;
        let request = [&head[..], b"ce-id: ", id, b"\r\n\r\n", FISH.as_bytes()].concat();
        assert!(wire.send(request).await);
        assert_eq!(wire.reply().await.expect("an answer").status, status, "{id:?}");
    }
    assert_eq!(server.done.wait(1).await, ["fed 1 é"]);
}

#[tokio::test]
async fn many_requests_go_over_one_connection() {
    let server = server(|intake| intake).await;
    let mut wire = server.wire().await;
    // All at once, good ones and bad ones.
    let requests: String = (0..50)
        .map(|number| if number % 2 == 0 { fed(FISH.len(), "") + FISH } else { fed(FISH.len(), "") + r#"{"fish":0}"# })
        .collect();
    assert!(wire.send(requests).await);
    for number in 0..50 {
        let reply = wire.reply().await.expect("an answer");
        assert_eq!(reply.status, if number % 2 == 0 { 202 } else { 422 }, "{number}");
    }
    assert_eq!(server.done.wait(25).await.len(), 25);
}
