//! Guides: what one page of the reference cannot say.

#[doc = include_str!("linking.md")]
pub mod linking {}

#[doc = include_str!("semantics.md")]
pub mod semantics {}

#[doc = include_str!("compile_errors.md")]
pub mod compile_errors {}

#[doc = include_str!("payloads.md")]
pub mod payloads {}

#[doc = include_str!("pubsub.md")]
pub mod pubsub {}
