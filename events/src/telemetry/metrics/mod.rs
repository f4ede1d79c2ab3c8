//! What is counted and measured, for whatever collects metrics. Without the feature `metrics` nothing is left of it.
//!
//! The names are promised in `docs::telemetry`. All labels come from what the program declares, so that there are as many
//! series as there are declarations, whatever the payloads are.

#[cfg(not(feature = "metrics"))]
mod absent;
#[cfg(feature = "metrics")]
mod present;

#[cfg(not(feature = "metrics"))]
pub(crate) use absent::{AtWork, Meters, SinkMeters, SourceMeters, Stopwatch};
#[cfg(feature = "metrics")]
pub(crate) use present::{AtWork, Meters, SinkMeters, SourceMeters, Stopwatch};
