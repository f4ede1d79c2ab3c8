//! Events over Amazon SQS: over moto's server, which this program starts for itself, and over a service that a test makes up,
//! where moto has no way to go wrong, or where time is to pass.
//!
//! Where moto 5.2.5 is not like the service, as its documentation has it:
//!
//! - A receive that waits on a FIFO queue does not see that a group has become free, and asks itself all the time until its wait
//!   is over: sources of FIFO queues do not wait here.
//! - Of two calls that change a queue at the same time, one may be forgotten: a deleted message is there again, or a sent one is
//!   not; and two that receive may be given the same message. All calls go one by one here, and what waits asks now and then.
//! - Characters that SQS does not allow are taken, and so are attributes with empty values.
//! - An entry of a batch fails for its delay alone; whatever else is wrong with one refuses the whole call.
//! - An event that is de-duplicated has a message id of its own, and sequence numbers are random.
//! - A dead-letter queue that is not there is refused when the redrive policy is set.

#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tls.rs"]
mod tls;
#[path = "../telemetry/traced.rs"]
#[allow(dead_code, reason = "it is looked at less closely here")]
mod traced;

mod bad_input;
mod conformance;
mod ending;
mod fake;
mod fastapi;
mod faults;
mod fifo;
mod moto;
mod reading;
mod round_trip;
mod sending;
mod settlement;
mod trace;
mod trust;
mod visibility;

use std::time::{Duration, Instant};

/// Waits for what another process does.
async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < Duration::from_mins(3), "not within three minutes: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
