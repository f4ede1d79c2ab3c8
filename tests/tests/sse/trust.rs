//! Streams that are encrypted, of those whom the source has reason to trust.

use events::sse::{SseError, SseSource};
use events::{Incoming as _, Source as _};

use crate::server::Server;
use crate::tls::{Authority, EXPIRED, MISNAMED, UNKNOWN};

fn source(host: &str, port: u16) -> SseSource {
    SseSource::new(&format!("https://{host}:{port}/stream?key=swordfish")).expect("a URL")
}

/// Connects once, and answers why it cannot.
async fn refused(source: SseSource) -> String {
    let error = source.connect(1).await.expect_err("nobody may be believed");
    assert!(!error.is_permanent(), "a certificate may be renewed: {error}");
    error.to_string()
}

#[tokio::test]
async fn events_come_from_whom_a_named_authority_knows() {
    let (server, authority) = (Server::start().await, Authority::new());
    let port = authority.in_front_of(server.address(), None).await;
    // Several are trusted: the second one is who counts.
    let source = source("localhost", port).trusting(&Authority::new().pem());
    let source = source.and_then(|source| source.trusting(&authority.pem())).expect("certificates");
    let reading = async {
        let mut incoming = source.connect(1).await.expect("a stream");
        let body = incoming.next().await.expect("an event").message().body.clone();
        String::from_utf8(body).expect("text")
    };
    let telling = async {
        let mut stream = server.stream().await;
        stream.say("event: cat-fed\ndata: {\"fish\":2}\n\n").await;
        stream
    };
    let (read, _stream) = tokio::join!(reading, telling);
    assert_eq!(read, r#"{"fish":2}"#);
}

#[tokio::test]
async fn others_are_not_believed() {
    let (server, authority) = (Server::start().await, Authority::new());
    let port = authority.in_front_of(server.address(), None).await;
    let old = authority.until(server.address(), None, 2001).await;
    let error = refused(source("localhost", port)).await;
    assert!(error.starts_with("the server cannot be reached: "), "{error}");
    assert!(error.ends_with(&format!("UnknownIssuer: {UNKNOWN}")) && !error.contains("swordfish"), "{error}");
    let error = refused(source("localhost", port).trusting(&Authority::new().pem()).expect("a certificate")).await;
    assert!(error.ends_with(&format!(": {UNKNOWN}")), "{error}");
    let trusting = |host, port| source(host, port).trusting(&authority.pem()).expect("a certificate");
    let error = refused(trusting("127.0.0.1", port)).await;
    assert!(error.ends_with(&format!(": {MISNAMED}")), "{error}");
    let error = refused(trusting("localhost", old)).await;
    assert!(error.contains("expired") && error.ends_with(&format!(": {EXPIRED}")), "{error}");
    assert!(server.is_left_alone().await);
}

#[test]
fn what_cannot_be_trusted_is_told_at_once() {
    let certificate = Authority::new().pem();
    for text in ["", "salmon", &certificate.replace("END CERTIFICATE", "END")] {
        assert_eq!(source("localhost", 1).trusting(text).expect_err(text), SseError::Certificate);
    }
    let plain = SseSource::new("http://localhost/stream").expect("a URL").trusting(&certificate);
    assert_eq!(plain.expect_err("not encrypted"), SseError::Unencrypted);
    assert!(SseError::Unencrypted.to_string().ends_with("write `https://`, not `http://`"));
}
