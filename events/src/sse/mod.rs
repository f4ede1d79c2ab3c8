//! Event streams over HTTP, as browsers know them: feature `sse`.
//!
//! [`SseSource`] follows a stream: its events come in.

mod connect;
mod format;
mod incoming;
mod parser;
mod position;
mod source;

pub use incoming::{SseIncoming, SseSettle};
pub use source::{SseError, SseSource};
