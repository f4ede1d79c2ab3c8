//! Declarative, typed events: derive the payload, annotate the handler, dispatch.
//!
//! Payload structs derive [`Event`], plain functions carry [`#[on("cat*")]`](macro@on), and the linker finds them all. What
//! is wired wrongly does not compile. A small runtime on tokio delivers the events inside *lifespans*, one run of an
//! application each, and *scopes*, one unit of work each: a request, a message, a command.
//!
//! ```standalone_crate
//! use events::{AnyEvent, Event, Lifespan, dispatch, on};
//! use serde::{Deserialize, Serialize};
//! use validator::Validate;
//!
//! #[derive(Debug, Event, Serialize, Deserialize, Validate)]
//! #[event(name = "cat-requested-a-fish")]
//! struct CatRequestedAFish {
//!     #[validate(length(min = 1))]
//!     cat: String,
//!     #[validate(range(min = 1, max = 10))]
//!     fish: u32,
//! }
//!
//! #[derive(Debug, Event, Serialize, Deserialize)]
//! struct FishServed {
//!     cat: String,
//! }
//!
//! #[on("cat*")]
//! async fn serve(event: &CatRequestedAFish) -> FishServed {
//!     FishServed { cat: event.cat.clone() } // what a handler returns is dispatched in turn
//! }
//!
//! #[on("*")]
//! fn audit(event: &AnyEvent) {
//!     println!("{} {}", event.name(), event.json());
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), events::Error> {
//!     let app = Lifespan::builder().start().await?;
//!     app.scope(async {
//!         dispatch(CatRequestedAFish { cat: "Tom".into(), fish: 2 }) // queued; delivered when the scope ends
//!     })
//!     .await?;
//!     app.shutdown().await?; // drains, then stops
//!     Ok(())
//! }
//! ```
//!
//! With `#[on("dog*")]` above `serve` this program does not compile: ``handler `serve` can never run: pattern `dog*` does
//! not match event `cat-requested-a-fish` (payload type `CatRequestedAFish`)``, with the caret under the pattern.
//!
//! # Words
//!
//! | word | meaning |
//! |---|---|
//! | event | a value of a type that implements [`Event`]: it has a name and a payload |
//! | pattern | a shell-style glob over names: [`Pattern`] |
//! | handler | a function under [`#[on(..)]`](macro@on) |
//! | [`dispatch`] | hand an event to the current scope or lifespan; does not wait for handlers |
//! | [`deliver`] | run the handlers of an event, and wait for them |
//! | [`Lifespan`] | one run of an application; several may live in one process |
//! | [scope](Lifespan::scope) | a unit of work that collects events and delivers them when it ends |
//! | provider | a function under [`#[provide]`](macro@provide): it makes a value that a handler asks for |
//! | [sink](Sink) | where events leave the process |
//! | [source](Source) | where events come in; each message is told a [settlement](Settlement) |
//! | [`State`] | a value that a lifespan was started with; a scope may lay its own over it |
//! | [`LifespanVar`] | a `static` with one value for each lifespan |
//! | [`#[every(..)]`](macro@every) | calls a function again and again while a lifespan runs |
//! | [`timed`](fn@timed) | measures a future, and what is measured inside of it, as a tree |
//! | [`catalog`] | all that is declared in this binary |
//! | [`Flow`] | how events lead from handler to handler: a picture, and the cycles in it |
//!
//! # What holds
//!
//! - Events of one scope start in the order of dispatch, and may overlap. The handlers of one event run by their `order`;
//!   those of one `order` run concurrently, in one task.
//! - A handler that fails, panics or takes too long stops no other one and never reaches the dispatcher. It is a
//!   [`Failure`]: logged through `tracing`, counted, and in the answer of [`deliver`].
//! - An event that was accepted is delivered: also when the scope's work fails or panics, and when its future is dropped.
//!   [`Lifespan::shutdown`] waits for every handler and for what the handlers dispatch.
//! - An event that cannot be accepted is a [`DispatchError`] where it was dispatched. Nothing is lost in silence.
//! - A program can run without what its events set off: where dispatch is
//!   [disabled](LifespanBuilder::disable_dispatch), by code or by `EVENTS_DISABLE_DISPATCH=1`, events are checked, then
//!   dropped.
//! - Everything that waits is bounded: [chains](LifespanBuilder::max_hops), [events](LifespanBuilder::max_pending),
//!   remembered names.
//!
//! # Guides
//!
//! - [`docs::semantics`]: order, isolation, cancellation, limits, start and end, and what can be lost when.
//! - [`docs::payloads`]: shapes, rules, names and versions, JSON.
//! - [`docs::linking`]: how handlers are found, and the one way in which they can be missed.
//! - [`docs::telemetry`]: lines, spans, traces, metrics and health.
//! - [`docs::comparison`]: what a dispatch costs, beside what one would pick instead, and beside what it should cost.
//! - [`docs::flow`]: the catalog as a picture, in Mermaid and in Graphviz.
//! - [`docs::performance`]: what things cost, how that is measured, and how to keep a handler fast.
//! - [`docs::transports`]: a sink and a source of one's own.
//! - `docs::amqp`, with the feature `amqp`: `RabbitMQ`, what is sent again, and what can be lost.
//! - `docs::pubsub`, with the feature `pubsub`: Google Cloud Pub/Sub, what it needs and what it promises.
//! - `docs::http`, with the feature `http`: what is sent and answered, and what can be lost.
//! - `docs::sse`, with the feature `sse`: how a stream is followed, how one is served, and what can be lost.
//! - [`docs::compile_errors`]: every error of the macros, its cause and its cure.
//!
//! # Cargo features
//!
//! All are off by default. Payloads are validated, serialised and deserialised where their types can be, without one.
//!
//! | feature | what it adds |
//! |---|---|
//! | `amqp` | [`events::amqp`](amqp): sources and sinks of `RabbitMQ` and other brokers of AMQP 0.9.1 |
//! | `amqp-tls` | `amqp` with TLS; builds `ring`, for which it needs a C compiler |
//! | `health` | `events::health`: routes of axum that say whether a lifespan is live, and whether it is ready |
//! | `http` | `events::http`: events that come in by a router of axum, and leave by webhooks; builds `ring`, too |
//! | `metrics` | counters, gauges and histograms through the facade of the crate `metrics` |
//! | `otel` | OpenTelemetry: the trace goes along with events, and spans say what its conventions for messaging ask for |
//! | `pubsub` | [`events::pubsub`](pubsub): sources and sinks of Google Cloud Pub/Sub |
//! | `schema` | `catalog().schema(..)`: the JSON Schema of payloads that derive `schemars::JsonSchema` |
//! | `signal` | `events::run`: a whole program, which ends on SIGINT and SIGTERM |
//! | `sqs` | [`events::sqs`](sqs): sources and sinks of Amazon SQS, standard queues and FIFO queues |
//! | `sse` | `events::sse`: event streams over HTTP, followed by a source, and served to browsers by routes of axum |
//! | `testing` | [`events::testing`](testing): a lifespan that a test looks into, one handler alone, handlers in every order |
//! | `tower` | `events::tower::EventsLayer`: a scope for each request of axum, hyper, tonic and other tower services over HTTP |
//!
//! # Rust version
//!
//! 1.95 is the oldest toolchain that builds this crate, and the one that tests it.
//!
//! # Looking at an expansion
//!
//! `EVENTS_MACROS_DEBUG=1 cargo build` prints what the macros made of each item, laid out by `rustfmt`. Cargo does not
//! expand again what has not changed: touch the file first.

#[cfg(feature = "amqp")]
pub mod amqp;
pub mod docs;
#[cfg(feature = "health")]
pub mod health;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "pubsub")]
pub mod pubsub;
#[cfg(feature = "sqs")]
pub mod sqs;
#[cfg(feature = "sse")]
pub mod sse;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tower")]
pub mod tower;

mod any;
mod attempts;
mod backoff;
mod batch;
mod call;
mod catalog;
#[cfg(any(feature = "http", feature = "sse"))]
mod client;
mod context;
#[cfg(any(feature = "http", feature = "pubsub", feature = "sse"))]
mod crypto;
mod delivery;
mod dispatch;
mod emit;
mod envelope;
mod error;
mod event;
mod extract;
mod failure;
mod flow;
mod format;
mod handler;
mod lifespan;
mod link;
mod memory;
mod metadata;
mod name;
mod params;
mod pattern;
mod place;
mod proof;
mod provider;
mod registry;
#[cfg(any(feature = "http", feature = "sse"))]
mod retry_after;
mod rfc3339;
mod route;
#[cfg(feature = "signal")]
mod run;
#[cfg(feature = "schema")]
mod schema;
mod scope;
mod seam;
mod sink;
mod source;
mod sync;
mod telemetry;
mod timing;
#[cfg(any(feature = "amqp-tls", feature = "http", feature = "pubsub", feature = "sqs", feature = "sse"))]
mod trust;
mod validate;
mod values;
mod var;
mod view;
mod wire;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use any::{AnyEvent, Json, JsonError};
pub use batch::{Batch, BatchItem};
pub use catalog::{Catalog, EventInfo, Finding, HandlerInfo, ProviderInfo, catalog};
pub use context::{Context, Signature};
pub use delivery::Delivery;
pub use dispatch::{DispatchError, deliver, dispatch, dispatch_named, dispatch_named_version, dispatch_unchecked};
pub use emit::{Emit, EmitSet, Includes, IntoEvents};
pub use envelope::Envelope;
pub use error::{BoxError, Error};
pub use event::Event;
pub use extract::{EventArg, EventRef, NoEvent};
pub use failure::{Failure, FailureCause};
pub use flow::{Cycle, CycleStep, Flow, FlowNode};
pub use format::{CloudEvents, Format, FormatError, Message, Pair};
pub use lifespan::{
    Health, LastError, Lifespan, LifespanBuilder, ShutdownError, ShutdownReport, SinkHealth, SourceHealth, StartError,
    StartFinding,
};
pub use memory::{Memory, MemoryIncoming, MemorySettle, MemorySink, MemorySource};
pub use metadata::{EventId, Metadata};
pub use name::NameError;
pub use params::{FromContext, MissingScopeValue, MissingState, ScopeValue, State};
pub use pattern::Pattern;
pub use place::Place;
pub use provider::{Ending, LifespanProvider, Provider, ProviderError, Teardown};
#[cfg(feature = "signal")]
pub use run::{Exit, Signal, run};
pub use scope::{InScope, InScopeExt, OnError, Scope, Scoped, SpawnError, spawn, spawn_blocking};
pub use sink::{ConfiguredSink, Echo, IntoSink, Null, Sink, SinkError, SinkExt};
pub use source::{
    ConfiguredSource, Incoming, IntoSource, Mark, Received, Settle, Settlement, Source, SourceError, SourceExt,
};
pub use telemetry::Destination;
pub use timing::{Timed, Timing, TimingOutcome, timed, timed_sync, try_timed, try_timed_sync};
pub use validate::{FieldError, ValidationErrors};
pub use var::{LifespanVar, VarError, VarGuard};
pub use view::View;
pub use wire::DecodeError;

pub use events_macros::{Event, every, on, provide, timed};
