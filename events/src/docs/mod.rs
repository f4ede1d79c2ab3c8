//! Guides: what one page of the reference cannot say.

#[doc = include_str!("linking.md")]
pub mod linking {}

#[doc = include_str!("semantics.md")]
pub mod semantics {}

#[doc = include_str!("compile_errors.md")]
pub mod compile_errors {}

#[doc = include_str!("flow.md")]
pub mod flow {}

#[doc = include_str!("payloads.md")]
pub mod payloads {}

#[doc = include_str!("performance.md")]
pub mod performance {}

#[doc = include_str!("telemetry.md")]
pub mod telemetry {}

#[allow(clippy::doc_markdown, reason = "a program writes it, in the words of machines and contenders")]
#[doc = include_str!("comparison.md")]
pub mod comparison {}

#[doc = include_str!("transports.md")]
pub mod transports {}

#[cfg(feature = "amqp")]
#[doc = include_str!("amqp.md")]
pub mod amqp {}

#[cfg(feature = "http")]
#[doc = include_str!("http.md")]
pub mod http {}

#[cfg(feature = "pubsub")]
#[doc = include_str!("pubsub.md")]
pub mod pubsub {}

#[cfg(feature = "sqs")]
#[doc = include_str!("sqs.md")]
pub mod sqs {}

#[cfg(feature = "sse")]
#[doc = include_str!("sse.md")]
pub mod sse {}
