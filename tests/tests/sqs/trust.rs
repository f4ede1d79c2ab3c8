//! The service behind TLS, by certificates that the client has reason to trust.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::post;
use events::sqs::aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use events::sqs::aws_sdk_sqs::{Client, Config};
use events::sqs::{Sqs, SqsTlsError};
use events::{Envelope, Sink as _, Source as _};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::fake::{Call, all_done};
use crate::tls::{Authority, EXPIRED, MISNAMED, UNKNOWN};

/// A service that takes all that it is sent.
async fn service() -> SocketAddr {
    let answer = async |body: String| {
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let answer = match &body["QueueName"] {
            Value::String(name) => json!({ "QueueUrl": format!("https://sqs.invalid/1/{name}") }),
            _ => all_done(&Call { action: String::new(), body, at: Instant::now() }),
        };
        ([("content-type", "application/x-amz-json-1.0")], answer.to_string())
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await });
    address
}

fn sqs(host: &str, port: u16) -> Sqs {
    let credentials = Credentials::new("key", "salmon", None, None, "test");
    let config = Config::builder().behavior_version(BehaviorVersion::latest()).credentials_provider(credentials);
    let config = config.region(Region::new("eu-central-1")).endpoint_url(format!("https://{host}:{port}"));
    Sqs::with_client(Client::from_conf(config.http_client(events::sqs::http_client()).build()))
}

/// An event, with all that a `CloudEvent` needs.
fn envelope(payload: &str) -> Envelope {
    Envelope::new("cat-fed", payload).with_id("1").with_origin("/cafe")
}

/// Connects once, and answers why it cannot.
async fn refused(sqs: &Sqs) -> String {
    let sent = sqs.sink("kitchen").send(&envelope("null")).await;
    assert!(!sent.expect_err("nobody may be told").is_permanent());
    sqs.source("kitchen").connect(1).await.expect_err("nobody may be believed").to_string()
}

#[tokio::test]
async fn events_reach_a_service_that_a_named_authority_knows() {
    let (service, authority) = (service().await, Authority::new());
    let port = authority.in_front_of(service, None).await;
    // Several are trusted: the second one is who counts.
    let sqs = sqs("localhost", port).trusting(&Authority::new().pem()).and_then(|sqs| sqs.trusting(&authority.pem()));
    let sink = sqs.expect("certificates").sink("kitchen");
    sink.send(&envelope(r#"{"fish":2}"#)).await.expect("sent");
}

#[tokio::test]
async fn others_are_not_spoken_to() {
    let (service, authority) = (service().await, Authority::new());
    let port = authority.in_front_of(service, None).await;
    let old = authority.until(service, None, 2001).await;
    let error = refused(&sqs("localhost", port)).await;
    assert!(error.contains("UnknownIssuer") && error.ends_with(&format!(": {UNKNOWN}")), "{error}");
    let trusting = |host, port| sqs(host, port).trusting(&authority.pem()).expect("a certificate");
    let error = refused(&trusting("127.0.0.1", port)).await;
    assert!(error.ends_with(&format!(": {MISNAMED}")), "{error}");
    let error = refused(&trusting("localhost", old)).await;
    assert!(error.contains("expired") && error.ends_with(&format!(": {EXPIRED}")), "{error}");
}

#[test]
fn what_cannot_be_trusted_is_told_at_once() {
    let certificate = Authority::new().pem();
    for text in ["", "salmon", &certificate.replace("END CERTIFICATE", "END")] {
        assert_eq!(sqs("localhost", 1).trusting(text).expect_err(text), SqsTlsError::Certificate);
    }
}
