//! Connections that are encrypted, and those that are refused.

use events::amqp::{Amqp, AmqpQueue, AmqpTlsError};
use events::{Event, Lifespan, SinkExt as _, Source as _, State, on};
use rcgen::KeyPair;
use serde::{Deserialize, Serialize};

use crate::broker::{self, Broker, PASSWORD};
use crate::support::{Log, start_with};
use crate::until;

#[derive(Event, Serialize, Deserialize)]
struct SecretKept(u32);

#[on]
fn kept(event: &SecretKept, log: State<Log>) {
    log.write(format!("kept {}", event.0));
}

fn encrypted(broker: &Broker) -> Amqp {
    Amqp::new(&broker.tls_url("localhost")).expect("a good URL")
}

/// Connects once, and answers why it cannot.
async fn refused(amqp: &Amqp) -> String {
    let error = amqp.source("amq.none").connect(1).await.expect_err("nobody may connect").to_string();
    error.strip_prefix("cannot connect to `").and_then(|rest| rest.split_once("`: ")).expect(&error).1.into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_travel_encrypted_between_those_who_trust_each_other() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let (certificate, key) = broker.issue("the kitchen");
    // The second text is what counts: several are trusted.
    let amqp = encrypted(broker).trusting(&certificate).and_then(|amqp| amqp.trusting(&broker.authority()));
    let amqp = amqp.and_then(|amqp| amqp.identified_by(&certificate, &key)).expect("all can be read");
    let source = amqp.source(AmqpQueue::classic("secret-kept"));
    assert!(source.address().starts_with("amqps://localhost:"), "{}", source.address());
    let (kitchen, log) = start_with(Lifespan::builder().source(source)).await;
    let (shop, _) = start_with(Lifespan::builder().sink("secret-kept", amqp.sink("").only())).await;
    until("sent", async || shop.deliver(SecretKept(1)).await.is_ok_and(|delivery| delivery.is_ok())).await;
    until("it came", async || log.count("kept 1") == 1).await;
    let subjects = tokio::task::block_in_place(|| broker.listed("peer_cert_subject"));
    assert_eq!(subjects.iter().filter(|subject| *subject == "CN=the kitchen").count(), 2, "{subjects:?}");
    shop.shutdown().await.expect("from outside");
    kitchen.shutdown().await.expect("from outside");
    let seen = format!("{amqp:?} {:?}", amqp.sink(""));
    assert!(!seen.contains(PASSWORD) && !seen.contains("BEGIN"), "{seen}");
}

#[tokio::test]
async fn who_is_not_trusted_is_refused_with_what_to_do() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let unknown = "invalid peer certificate: UnknownIssuer: name the authority that has issued the certificate by \
                   `trusting`, or have this machine trust it";
    assert_eq!(refused(&encrypted(broker)).await, unknown);
    let elsewhere = Amqp::new(&broker.tls_url("127.0.0.1")).expect("a good URL").trusting(&broker.authority());
    let error = refused(&elsewhere.expect("it can be read")).await;
    assert!(error.ends_with(": connect by a name that the certificate is for"), "{error}");
    let port = broker.url().rsplit(':').next().expect("it has one").to_owned();
    let error = refused(&Amqp::new(&format!("amqps://localhost:{port}")).expect("a good URL")).await;
    let told = "ask for the broker's port for TLS, which is 5671 unless it was told another one";
    assert!(error.ends_with(told), "{error}");
}

#[tokio::test]
async fn who_shows_a_wrong_certificate_is_refused() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    let amqp = encrypted(broker).trusting(&broker.authority()).expect("it can be read");
    let (certificate, _) = broker.issue("the kitchen");
    let key = KeyPair::generate().expect("a key").serialize_pem();
    let error = refused(&amqp.clone().identified_by(&certificate, &key).expect("both can be read")).await;
    assert!(error.contains("KeyMismatch") && !error.contains(&key), "{error}");
    let stranger = rcgen::generate_simple_self_signed(["localhost".into()]).expect("a certificate");
    let shown =
        amqp.identified_by(&stranger.cert.pem(), &stranger.signing_key.serialize_pem()).expect("it can be read");
    // The end of the connection may overtake the reason.
    let told = "if the broker asks for a certificate, show it one that it trusts by `Amqp::identified_by`";
    until("the reason comes first", async || refused(&shown).await.ends_with(told)).await;
}

#[test]
fn what_cannot_be_read_is_told_at_once_and_not_shown() {
    let tls = || Amqp::new("amqps://localhost").expect("a good URL");
    let stranger = rcgen::generate_simple_self_signed(["localhost".into()]).expect("a certificate");
    let (certificate, key) = (stranger.cert.pem(), stranger.signing_key.serialize_pem());
    let broken = certificate.replace("END CERTIFICATE", "END");
    for text in ["", "salmon", &key, &broken] {
        assert_eq!(tls().trusting(text).expect_err(text), AmqpTlsError::Certificate);
        assert_eq!(tls().identified_by(text, &key).expect_err(text), AmqpTlsError::Certificate);
    }
    for text in ["", "salmon", &certificate] {
        assert_eq!(tls().identified_by(&certificate, text).expect_err(text), AmqpTlsError::Key);
    }
    let plain = || Amqp::new("amqp://localhost").expect("a good URL");
    assert_eq!(plain().trusting(&certificate).expect_err("not encrypted"), AmqpTlsError::Unencrypted);
    assert_eq!(plain().identified_by(&certificate, &key).expect_err("not encrypted"), AmqpTlsError::Unencrypted);
    let told =
        "the URL of the broker does not ask for TLS, and no certificate would count: write `amqps://`, not `amqp://`";
    assert_eq!(AmqpTlsError::Unencrypted.to_string(), told);
    assert!(tls().trusting(&format!("a comment\n{certificate}{certificate}")).is_ok());
}
