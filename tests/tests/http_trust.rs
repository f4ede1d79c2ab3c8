//! Events that leave by HTTPS, to those whom the sink has reason to trust.

mod http_support;
#[path = "support/tls.rs"]
mod tls;

use events::http::{Webhook, WebhookError};
use events::{Envelope, Sink as _};
use http_support::receiver::Receiver;
use tls::{Authority, EXPIRED, MISNAMED, UNKNOWN};

fn webhook(host: &str, port: u16) -> Webhook {
    Webhook::new(&format!("https://{host}:{port}/hook?key=swordfish")).expect("a URL")
}

/// An event, with all that a `CloudEvent` needs.
fn envelope(payload: &str) -> Envelope {
    Envelope::new("cat-fed", payload).with_id("1").with_origin("/cafe")
}

/// Sends once, and answers why it cannot.
async fn refused(webhook: &Webhook) -> String {
    let error = webhook.send(&envelope("null")).await.expect_err("nobody may be told");
    assert!(!error.is_permanent(), "a certificate may be renewed: {error}");
    error.to_string()
}

#[tokio::test]
async fn events_reach_whom_a_named_authority_knows() {
    let (receiver, authority) = (Receiver::start().await, Authority::new());
    let port = authority.in_front_of(receiver.address, None).await;
    // Several are trusted: the second one is who counts.
    let webhook = webhook("localhost", port).trusting(&Authority::new().pem());
    let webhook = webhook.and_then(|webhook| webhook.trusting(&authority.pem())).expect("certificates");
    webhook.send(&envelope(r#"{"fish":1}"#)).await.expect("sent");
    let [seen] = receiver.take().try_into().expect("one request");
    assert_eq!((&*seen.body, seen.header("ce-id")), (r#"{"fish":1}"#, Some("1")));
}

#[tokio::test]
async fn others_are_told_nothing() {
    let (receiver, authority) = (Receiver::start().await, Authority::new());
    let port = authority.in_front_of(receiver.address, None).await;
    let old = authority.until(receiver.address, None, 2001).await;
    let at = |host: &str, port| format!("the webhook at https://{host}:{port} cannot be reached: ");
    let error = refused(&webhook("localhost", port)).await;
    assert!(
        error.starts_with(&at("localhost", port)) && error.ends_with(&format!("UnknownIssuer: {UNKNOWN}")),
        "{error}"
    );
    let stranger = webhook("localhost", port).trusting(&Authority::new().pem()).expect("a certificate");
    let error = refused(&stranger).await;
    assert!(error.ends_with(&format!(": {UNKNOWN}")), "{error}");
    let trusting = |host, port| webhook(host, port).trusting(&authority.pem()).expect("a certificate");
    let error = refused(&trusting("127.0.0.1", port)).await;
    assert!(error.starts_with(&at("127.0.0.1", port)) && error.ends_with(&format!(": {MISNAMED}")), "{error}");
    let error = refused(&trusting("localhost", old)).await;
    assert!(error.contains("expired") && error.ends_with(&format!(": {EXPIRED}")), "{error}");
    assert!(receiver.take().is_empty());
}

#[test]
fn what_cannot_be_trusted_is_told_at_once() {
    let certificate = Authority::new().pem();
    let broken = certificate.replace("END CERTIFICATE", "END");
    let nonsense = "-----BEGIN CERTIFICATE-----\nc2FsbW9u\n-----END CERTIFICATE-----\n";
    for text in ["", "salmon", &broken, nonsense, &format!("{certificate}{nonsense}")] {
        assert_eq!(webhook("localhost", 1).trusting(text).expect_err(text), WebhookError::Certificate);
    }
    let plain = Webhook::new("http://localhost/hook").expect("a URL").trusting(&certificate);
    assert_eq!(plain.expect_err("not encrypted"), WebhookError::Unencrypted);
    assert!(WebhookError::Unencrypted.to_string().ends_with("write `https://`, not `http://`"));
    assert!(webhook("localhost", 1).trusting(&format!("a comment\n{certificate}{certificate}")).is_ok());
}
