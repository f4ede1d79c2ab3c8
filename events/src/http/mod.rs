//! HTTP: feature `http`. Events come in by an [`Intake`], a router of [`axum`], and leave by a [`Webhook`], a sink.
//!
//! [`docs::http`](crate::docs::http) is the guide: what is sent, what is answered, and what can be lost.
//!
//! ```no_run
//! use axum::Router;
//! use events::http::{Intake, Webhook};
//! use events::{Event, Lifespan, SinkExt as _, on};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Event, Serialize, Deserialize)]
//! struct OrderPlaced {
//!     pieces: u32,
//! }
//!
//! #[derive(Event, Serialize, Deserialize)]
//! struct ParcelSent {
//!     pieces: u32,
//! }
//!
//! #[on]
//! async fn pack(order: &OrderPlaced) -> ParcelSent {
//!     ParcelSent { pieces: order.pieces }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let webhook = Webhook::new("https://hooks.example.com/parcels")?.bearer("a secret")?;
//! let app = Lifespan::builder().sink("parcel-*", webhook.only()).start().await?;
//! let intake = Intake::new(&app).accept("order-*");
//! let router: Router = Router::new().nest("/hooks", intake.router()); // .layer(authentication)
//! # drop(router);
//! // axum::serve(listener, router).with_graceful_shutdown(signal).await?;
//! app.shutdown().await?;
//! # Ok(())
//! # }
//! ```

mod batch;
mod handshake;
mod headers;
mod intake;
mod outcome;
mod post;
mod prefer;
mod problem;
mod request;
mod take;
mod webhook;

pub use handshake::{Handshake, HandshakeRequest};
pub use intake::Intake;
pub use webhook::{Webhook, WebhookError};
