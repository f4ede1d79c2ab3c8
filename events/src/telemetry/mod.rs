//! What is told of the work while it goes on: spans and, with their features, traces and metrics.

mod destination;
pub(crate) mod messaging;
mod metrics;
mod public;
pub(crate) mod run;
mod sending;
pub(crate) mod spans;
mod trace;

pub use destination::Destination;
pub(crate) use messaging::{Identity, Operation};
pub(crate) use metrics::{AtWork, Meters, SinkMeters, SourceMeters, Stopwatch};
pub(crate) use public::public;
pub(crate) use sending::sending;
pub(crate) use spans::Seen;
pub(crate) use trace::Trace;
