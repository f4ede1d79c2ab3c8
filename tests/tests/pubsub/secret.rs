//! Credentials are for the service alone.

use std::fmt::Write as _;

use events::{Envelope, Sink as _, Source as _};
use google_cloud_auth::credentials::api_key_credentials;

use crate::service::{Options, Service};
use crate::support::logged::Logged;

const SECRET: &str = "salmon";

#[tokio::test]
async fn the_secret_is_in_no_debug_no_error_and_no_log() {
    let logged = Logged::start("");
    let service = Service::start().await;
    service.make("cats", Options::default());
    let credentials = api_key_credentials::Builder::new(SECRET).build();
    let pubsub =
        service.pubsub().endpoint(&format!("http://{}", service.address())).expect("a URL").credentials(credentials);
    let (sink, source) = (pubsub.sink("cats"), pubsub.source("cats"));
    let envelope = Envelope::new("cat-fed", "null").with_id("1").with_origin("/cafe");
    sink.send(&envelope).await.expect("published");
    let incoming = source.connect(1).await.expect("a stream");
    let sent = pubsub.sink("nowhere").send(&envelope).await.expect_err("no such topic");
    let connected = pubsub.source("nothing").connect(1).await.expect_err("no such subscription");
    let mut seen = String::new();
    let _ = writeln!(seen, "{pubsub:?} {sink:?} {source:?} {incoming:?} {sent} {sent:?} {connected} {connected:?}");
    for method in ["Publish", "StreamingPull"] {
        let call = &service.calls(method)[0];
        assert_eq!(call.headers["x-goog-api-key"], SECRET, "the service has it");
    }
    let logged = logged.take();
    assert!(logged.len() > 1000, "the libraries say something");
    let line = logged.lines().find(|line| line.contains(SECRET) || line.contains(&format!("{:?}", SECRET.as_bytes())));
    assert_eq!((line, seen.contains(SECRET)), (None, false), "{seen}");
}
