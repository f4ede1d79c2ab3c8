//! Event streams over real sockets: what comes in, what goes out, and one into the other.

mod bad;
mod browser;
mod conformance;
mod feed;
mod foreign;
mod reconnect;
mod server;
mod slow;
mod source;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tls.rs"]
mod tls;
mod told;
mod trace;
#[path = "../telemetry/traced.rs"]
#[allow(dead_code, reason = "it is looked at less closely here")]
mod traced;
mod trust;
mod whole;
