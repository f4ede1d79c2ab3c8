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
#[path = "../support/tls.rs"]
mod tls;
mod told;
mod trust;
mod whole;
