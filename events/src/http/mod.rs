//! HTTP: feature `http`.

mod elements;
mod handshake;
mod headers;
mod intake;
mod outcome;
mod post;
mod prefer;
mod problem;
mod request;
mod retry_after;
mod take;
mod webhook;

pub use handshake::{Handshake, HandshakeRequest};
pub use intake::Intake;
pub use webhook::{Webhook, WebhookError};
