//! Event streams over HTTP, as browsers know them: feature `sse`.
//!
//! [`SseSource`] follows a stream: its events come in. [`Feed`] serves one: a sink that events go to, and routes of axum that
//! stream them to browsers. The [guide](crate::docs::sse) shows both.

mod connect;
mod feed;
mod format;
mod frame;
mod incoming;
mod log;
mod parser;
mod places;
mod position;
mod reader;
mod route;
mod source;

pub use feed::{Feed, FeedBuilder, FeedSink, SlowReaders};
pub use incoming::{SseIncoming, SseSettle};
pub use route::FeedRoute;
pub use source::{SseError, SseSource};
