//! Events over a real `RabbitMQ`, which this program starts for itself.

#[path = "../support/mod.rs"]
mod support;

mod broker;
mod conformance;
mod destination;
mod faults;
mod publishing;
mod raw;
mod round_trip;
mod secret;
mod settlement;
mod spoiled;
mod tls;
mod topology;
mod trace;

use std::time::{Duration, Instant};

/// Waits for what another process does.
async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < Duration::from_mins(3), "not within three minutes: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
