//! What the macros' expansions are written in. Not a public interface: it changes with every version.

use std::any::{Any, TypeId};
use std::fmt::Display;
use std::future::ready;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use validator::Validate;

use crate::error::BoxError;
use crate::wire::DecodeError;

pub use crate::batch::BatchLimits;
pub use crate::context::{Context, Signature};
pub use crate::emit::IntoEvents;
pub use crate::envelope::Arriving;
pub use crate::event::{
    Deserialize, Event, EventDecl, EventEntry, Field, FindKey, Schema, Serialize, Slot, Taken, Taker,
    Validate as ValidateFn, ValidateWrapped, Variant,
};
pub use crate::extract::{Accepts, EventArg, EventRef, Moment, Schedule};
pub use crate::handler::{Call, HandlerDecl, Outcome, Running};
pub use crate::link::LinkDecl;
pub use crate::name::assert_name;
pub use crate::params::FromContext;
pub use crate::place::{Place, Site};
pub use crate::proof::{assert_reachable, assert_takes_events, assert_takes_failures};
pub use crate::provider::{
    Facts, Fallible, Lend, Lent, LifespanProvider, Made, Making, Provided, Provider, ProviderDecl, ProviderEntry,
    ProviderFault, ProviderParam, assert_at_once, assert_lifespan, assert_owned, at_once, block_with, made, once_with,
};
pub use inventory;
pub use std::option::Option::{None, Some};
pub use std::result::Result::{Err, Ok};

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
    const RULES: Option<ValidateWrapped> = None;
    const SCHEMA: Option<Schema> = None;
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

impl<T: Event + Validate> Probe<T> {
    pub const VALIDATE: Option<ValidateFn> = Some(crate::validate::validate::<T>);
}

impl<T: Validate + Any> Probe<T> {
    pub const RULES: Option<ValidateWrapped> = Some(crate::validate::rules::<T>);
}

#[cfg(feature = "schema")]
impl<T: schemars::JsonSchema> Probe<T> {
    pub const SCHEMA: Option<Schema> = Some(crate::schema::of::<T>);
}

/// How an event is checked: by the rules of its type, or else by those of the types that its variants wrap.
pub const fn rules_of<E: Event>(own: Option<ValidateFn>, wrapped: &[Option<ValidateWrapped>]) -> Option<ValidateFn> {
    let mut i = 0;
    while own.is_none() && i < wrapped.len() {
        if wrapped[i].is_some() {
            return Some(crate::validate::validate_wrapped::<E>);
        }
        i += 1;
    }
    own
}

/// A type that payloads had before they became those of `E`.
#[diagnostic::on_unimplemented(
    message = "a payload of `{Self}` cannot be upgraded to `{E}`",
    label = "not an older form of `{E}`",
    note = "implement `From<{Self}>` for `{E}`, and derive `serde::Deserialize` for `{Self}`"
)]
pub trait Older<E> {
    /// Reads a payload of this type, and hands on one of today that is made out of it.
    ///
    /// # Errors
    ///
    /// Where the JSON is of another type.
    fn upgrade(variant: usize, json: &[u8], taker: &mut Taker<'_>) -> Result<Taken, DecodeError>;
}

#[diagnostic::do_not_recommend]
impl<E: Event + From<O>, O: DeserializeOwned> Older<E> for O {
    fn upgrade(_: usize, json: &[u8], taker: &mut Taker<'_>) -> Result<Taken, DecodeError> {
        crate::wire::decode::<O>(json).map(|older| taker.take(E::from(older)))
    }
}

/// A value that can be a partition key.
#[diagnostic::on_unimplemented(
    message = "a value of `{Self}` cannot be a partition key",
    label = "cannot be written as text",
    note = "implement `std::fmt::Display` for `{Self}`, or mark another field"
)]
pub trait PartitionKey {
    /// What writes it.
    fn shown(&self) -> &dyn Display;
}

#[diagnostic::do_not_recommend]
impl<T: Display + 'static> PartitionKey for T {
    fn shown(&self) -> &dyn Display {
        self
    }
}

/// Finds the key in a payload of a type that has one.
pub fn partition_key<E: Event>(payload: &dyn Any) -> Option<&dyn Display> {
    payload.downcast_ref::<E>()?.__partition_key()
}

/// The type that a function alone has.
pub const fn id_of<F: 'static>(_: &F) -> TypeId {
    TypeId::of::<F>()
}

/// Puts a call on the heap; says it where the user's future is not `Send`.
pub fn running<'a>(call: impl Future<Output = Outcome> + Send + 'a) -> Running<'a> {
    Box::pin(call)
}

/// A call that was over before it began.
pub fn failed<'a>(error: BoxError) -> Running<'a> {
    Box::pin(ready(Err(error)))
}
