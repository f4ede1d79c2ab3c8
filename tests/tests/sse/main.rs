//! Event streams over real sockets: what comes in, what goes out, and one into the other.

mod bad;
mod browser;
mod conformance;
mod feed;
mod reconnect;
mod server;
mod slow;
mod source;
mod told;
mod whole;
