//! Events over Pub/Sub: a small server in this program stands in for the service, which cannot be had here.

#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tls.rs"]
mod tls;
#[path = "../telemetry/traced.rs"]
#[allow(dead_code, reason = "it is looked at less closely here")]
mod traced;

mod bad_input;
mod conformance;
mod counterpart;
mod environment;
mod faults;
mod order;
mod publishing;
mod secret;
mod service;
mod settlement;
mod trace;
mod trust;

use std::time::{Duration, Instant};

use events::{Envelope, Format, FormatError, Message};

/// Waits for what happens on the other side of a connection.
async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < Duration::from_mins(3), "not within three minutes: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The payload, and nothing else but the name.
struct Bare;

impl Format for Bare {
    fn encode(&self, envelope: &Envelope) -> Result<Message, FormatError> {
        let headers = vec![("name".to_owned(), envelope.name().to_owned())];
        Ok(Message { body: envelope.payload().into(), headers, ..Message::default() })
    }

    fn decode(&self, message: &Message) -> Result<Envelope, FormatError> {
        let name = message.header("name").ok_or_else(|| FormatError::new("it has no name"))?;
        Ok(Envelope::new(name, message.body.clone()))
    }
}

/// Numbers as events, and what they are published as.
fn numbered(numbers: std::ops::Range<u32>) -> Vec<Envelope> {
    let envelope = |number: u32| Envelope::new("number", number.to_string()).with_id(&number.to_string());
    numbers.map(envelope).map(|envelope| envelope.with_origin("/numbers")).collect()
}
