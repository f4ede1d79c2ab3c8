//! The service behind TLS, by certificates that the client has reason to trust.

use std::net::SocketAddr;

use events::pubsub::{PubSub, PubSubError};
use events::{Envelope, Incoming as _, Settlement, Sink as _, Source as _};
use google_cloud_auth::credentials::anonymous;

use crate::service::{Options, PROJECT, Service};
use crate::tls::{Authority, EXPIRED, MISNAMED, UNKNOWN};

fn pubsub(host: &str, port: u16) -> PubSub {
    let pubsub = PubSub::emulator(PROJECT, "localhost:1").expect("an address");
    let pubsub = pubsub.endpoint(&format!("https://{host}:{port}")).expect("a URL");
    pubsub.credentials(anonymous::Builder::new().build())
}

async fn service() -> (Service, SocketAddr) {
    let service = Service::start().await;
    service.make("cats", Options::default());
    let address = service.address().parse().expect("an address");
    (service, address)
}

/// An event, with all that a `CloudEvent` needs.
fn envelope(payload: &str) -> Envelope {
    Envelope::new("cat-fed", payload).with_id("1").with_origin("/cafe")
}

/// Connects once, and answers why it cannot.
async fn refused(pubsub: &PubSub) -> String {
    let error = pubsub.source("cats").connect(1).await.expect_err("nobody may be believed").to_string();
    let sink = pubsub.sink("cats").send(&envelope("null")).await.expect_err("nobody may be told");
    assert!(!sink.is_permanent() && sink.to_string().contains("cannot connect to `"), "{sink}");
    error
}

#[tokio::test]
async fn events_travel_encrypted_where_a_named_authority_knows_the_service() {
    let ((service, address), authority) = (service().await, Authority::new());
    let port = authority.in_front_of(address, Some("h2")).await;
    // Several are trusted: the second one is who counts.
    let pubsub = pubsub("localhost", port).trusting(&Authority::new().pem());
    let pubsub = pubsub.and_then(|pubsub| pubsub.trusting(&authority.pem())).expect("certificates");
    pubsub.sink("cats").send(&envelope(r#"{"fish":2}"#)).await.expect("published");
    let mut incoming = pubsub.source("cats").connect(1).await.expect("a stream");
    let received = incoming.next().await.expect("a message");
    assert_eq!(received.message().body, br#"{"fish":2}"#);
    received.settle(Settlement::Ack).await.expect("settled");
    assert_eq!(service.backlog("cats"), 0);
}

#[tokio::test]
async fn others_are_not_spoken_to() {
    let ((service, address), authority) = (service().await, Authority::new());
    let port = authority.in_front_of(address, Some("h2")).await;
    let old = authority.until(address, Some("h2"), 2001).await;
    let error = refused(&pubsub("localhost", port)).await;
    assert!(error.contains("UnknownIssuer") && error.ends_with(&format!(": {UNKNOWN}")), "{error}");
    let trusting = |host, port| pubsub(host, port).trusting(&authority.pem()).expect("a certificate");
    let error = refused(&trusting("127.0.0.1", port)).await;
    assert!(error.ends_with(&format!(": {MISNAMED}")), "{error}");
    let error = refused(&trusting("localhost", old)).await;
    assert!(error.contains("expired") && error.ends_with(&format!(": {EXPIRED}")), "{error}");
    assert_eq!(service.calls("Publish").len(), 0);
}

#[test]
fn what_cannot_be_trusted_is_told_at_once() {
    let certificate = Authority::new().pem();
    for text in ["", "salmon", &certificate.replace("END CERTIFICATE", "END")] {
        assert_eq!(pubsub("localhost", 1).trusting(text).expect_err(text), PubSubError::Certificate);
    }
    let plain = PubSub::emulator(PROJECT, "localhost:1").expect("an address").trusting(&certificate);
    assert_eq!(plain.expect_err("not encrypted"), PubSubError::Unencrypted);
}
