//! HTTP: feature `http`.

mod elements;
mod handshake;
mod headers;
mod intake;
mod outcome;
mod prefer;
mod problem;
mod request;
mod take;

pub use handshake::{Handshake, HandshakeRequest};
pub use intake::Intake;
