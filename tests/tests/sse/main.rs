//! Event streams over real sockets: what comes in.

mod bad;
mod reconnect;
mod server;
mod source;
mod told;
