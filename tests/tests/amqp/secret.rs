//! The URL of a broker holds a password, which nobody gets to see.

use std::error::Error as _;
use std::fmt::Write as _;

use events::amqp::{Amqp, AmqpUrlError};
use events::{Envelope, Sink as _, Source as _};

use crate::broker::{self, PASSWORD};
use crate::support::logged::Logged;

#[test]
fn a_url_that_cannot_be_read_is_not_shown() {
    let shape = "the URL of the broker cannot be read: write `amqp://user:password@host:5672/vhost`, percent-encode what is \
                 special in the user, the password and the virtual host, and use a name or an IPv4 address for the host";
    for url in
        ["", "salmon", "salmon:x", "http://salmon", "amqp://cat:sal/mon@localhost", "amqp://cat:salmon@[::1]:5672"]
    {
        let error = Amqp::new(url).expect_err(url);
        assert_eq!((error, error.to_string().as_str()), (AmqpUrlError::Shape, shape), "{url}");
        assert!(error.source().is_none());
    }
    let error = AmqpUrlError::Tls;
    let told = "the URL of the broker asks for TLS: enable the feature `amqp-tls` of the crate `events`";
    assert_eq!(error.to_string(), told);
    assert_eq!(
        Amqp::new("amqp://cat:sal%2Fmon@localhost/%2f").expect("good").source("a").address(),
        "amqp://localhost:5672///a"
    );
}

#[tokio::test]
async fn the_password_is_in_no_debug_no_error_and_no_log() {
    let Some((broker, _quiet)) = broker::shared().await else { return };
    // The library writes down its whole login at `TRACE`, as the documentation says.
    let all = Logged::start("lapin");
    let wrong = Amqp::new(&broker.url().replace(PASSWORD, "tuna-salmon")).expect("a good URL");
    let nobody = Amqp::new("amqp://cat:salmon@127.0.0.1:1").expect("a good URL");
    let mut seen = String::new();
    for amqp in [broker.amqp(), wrong, nobody] {
        let (sink, source) = (amqp.sink("nowhere"), amqp.source("nothing"));
        let sent = sink
            .send(&Envelope::new("cat-fed", "null").with_id("1").with_origin("/shop"))
            .await
            .expect_err("no such exchange");
        let connected = source.connect(1).await.expect_err("no such queue");
        let _ = writeln!(seen, "{amqp:?} {sink:?} {source:?} {sent} {sent:?} {connected} {connected:?}");
        let _ = writeln!(seen, "{}", source.address());
    }
    let logged = all.take();
    assert!(!logged.is_empty(), "the library says something");
    let bytes = format!("{:?}", PASSWORD.as_bytes());
    for secret in [PASSWORD, bytes.trim_matches(['[', ']'])] {
        assert!(!seen.contains(secret), "{seen}");
        let line = logged.lines().find(|line| line.contains(secret));
        assert_eq!(line, None);
    }
    assert!(seen.contains("Connection refused") && seen.contains("ACCESS_REFUSED"), "{seen}");
}
