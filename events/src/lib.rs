//! Declarative, typed events: derive the payload, annotate the handler, dispatch.

mod any;
mod catalog;
mod context;
mod delivery;
mod dispatch;
mod emit;
mod error;
mod event;
mod extract;
mod failure;
mod handler;
mod lifespan;
mod link;
mod metadata;
mod name;
mod pattern;
mod place;
mod proof;
mod registry;
mod route;
mod scope;
mod validate;
mod view;
mod wire;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use any::{AnyEvent, Json, JsonError};
pub use catalog::{Catalog, EventInfo, Finding, HandlerInfo, catalog};
pub use context::{Context, Signature};
pub use delivery::Delivery;
pub use dispatch::{DispatchError, deliver, dispatch, dispatch_named};
pub use emit::{Emit, EmitSet, Includes, IntoEvents};
pub use error::{BoxError, Error};
pub use event::Event;
pub use extract::{EventArg, EventRef, FromContext, MissingState, NoEvent, State};
pub use failure::{Failure, FailureCause};
pub use lifespan::{Lifespan, LifespanBuilder, ShutdownError, ShutdownReport, StartError, StartFinding};
pub use metadata::{EventId, Metadata};
pub use name::NameError;
pub use pattern::Pattern;
pub use place::Place;
pub use validate::{FieldError, ValidationErrors};
pub use view::View;
pub use wire::DecodeError;

pub use events_macros::{Event, on};
