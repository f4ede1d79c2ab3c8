//! What the macros' expansions are written in. Not a public interface: it changes with every version.

use std::any::Any;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use validator::Validate;

pub use crate::context::{Context, Signature};
pub use crate::emit::IntoEvents;
pub use crate::event::{Deserialize, Event, EventDecl, EventEntry, Serialize, Slot, Validate as ValidateFn};
pub use crate::extract::{Accepts, EventArg, EventRef, FromContext, Moment, Schedule};
pub use crate::handler::{Call, HandlerDecl, Outcome, Running};
pub use crate::link::LinkDecl;
pub use crate::name::assert_name;
pub use crate::place::{Place, Site};
pub use crate::proof::{assert_reachable, assert_takes_events, assert_takes_failures};
pub use inventory;

/// What a type can do, asked of the concrete type: an inherent constant where the bound holds, the trait's where not.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<T>);

/// The answers for a type that can do nothing.
pub trait Unable {
    const SERIALIZE: Option<Serialize> = None;
    const SERIALIZE_VARIANT: Option<Serialize> = None;
    const DESERIALIZE: Option<Deserialize> = None;
    const DESERIALIZE_VARIANT: Option<Deserialize> = None;
    const VALIDATE: Option<ValidateFn> = None;
}

impl<T> Unable for Probe<T> {}

impl<T: serde::Serialize + Any> Probe<T> {
    pub const SERIALIZE: Option<Serialize> = Some(crate::wire::serialize::<T>);
    pub const SERIALIZE_VARIANT: Option<Serialize> = Some(crate::wire::serialize_variant::<T>);
}

impl<T: Event + DeserializeOwned> Probe<T> {
    pub const DESERIALIZE: Option<Deserialize> = Some(crate::wire::deserialize::<T>);
    pub const DESERIALIZE_VARIANT: Option<Deserialize> = Some(crate::wire::deserialize_variant::<T>);
}

impl<T: Validate + Any> Probe<T> {
    pub const VALIDATE: Option<ValidateFn> = Some(crate::validate::validate::<T>);
}

/// Puts a call on the heap; says it where the user's future is not `Send`.
pub fn running<'a>(call: impl Future<Output = Outcome> + Send + 'a) -> Running<'a> {
    Box::pin(call)
}
