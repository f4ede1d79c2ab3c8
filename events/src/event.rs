//! What an event is: the trait, and what `#[derive(Event)]` declares about a type.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::OnceLock;

use serde_json::value::RawValue;

use crate::any::{Loose, Payload};
use crate::dispatch::{Accepted, DispatchError};
use crate::place::Place;
use crate::validate::ValidationErrors;
use crate::wire::DecodeError;

/// A value with a name, which can be dispatched. Implemented by [`#[derive(Event)]`](derive@crate::Event), and by it alone.
///
/// A struct is one event; every variant of an enum is an event with a name of its own. Payloads are shared between
/// handlers, which is why the type must be `Send`, `Sync` and own what it holds.
///
/// # Examples
///
/// ```
/// use events::Event;
///
/// #[derive(Event)]
/// struct CatFed {
///     fish: u32,
/// }
///
/// #[derive(Event)]
/// #[event(prefix = "order-")]
/// enum Order {
///     Placed { id: u64 },
///     #[event(name = "order-called-off")]
///     Cancelled(u64),
/// }
///
/// assert_eq!(CatFed::NAMES, ["cat-fed"]);
/// assert_eq!(Order::NAMES, ["order-placed", "order-called-off"]);
/// assert_eq!(Order::Cancelled(7).name(), "order-called-off");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "`{Self}` does not implement `Event`",
    note = "add `#[derive(Event)]` to the type"
)]
pub trait Event: Send + Sync + Sized + 'static {
    /// The names of the type: one for a struct, one per variant, in the order of declaration, for an enum.
    const NAMES: &'static [&'static str];

    /// The name of this value.
    fn name(&self) -> &'static str {
        Self::NAMES[self.__variant()]
    }

    /// The index of this value's name in [`NAMES`](Self::NAMES).
    #[doc(hidden)]
    fn __variant(&self) -> usize {
        0
    }

    /// The one value that a newtype holds; of any other type the event itself.
    #[doc(hidden)]
    fn __wrapped(&self) -> &(dyn Any + Send + Sync) {
        self
    }

    /// The value of the field that is marked as the partition key.
    #[doc(hidden)]
    fn __partition_key(&self) -> Option<&dyn fmt::Display> {
        None
    }

    #[doc(hidden)]
    fn __declaration() -> &'static EventDecl;
}

/// Turns a payload into JSON.
pub type Serialize = fn(&dyn Any) -> Result<Box<RawValue>, serde_json::Error>;
/// Checks a payload by its own rules.
pub type Validate = fn(&dyn Any) -> Result<(), ValidationErrors>;
/// Checks a value that an event wraps by the rules of that value's type.
pub type ValidateWrapped = fn(&dyn Any) -> Result<(), validator::ValidationErrors>;
/// Writes the JSON Schema of a payload. Nobody can, without the feature `schema`.
#[cfg(feature = "schema")]
pub type Schema = fn() -> serde_json::Value;
/// Writes the JSON Schema of a payload. Nobody can, without the feature `schema`.
#[cfg(not(feature = "schema"))]
pub type Schema = std::convert::Infallible;
/// Makes an event out of JSON, and hands it on; the number says which variant of an enum it is to be.
pub type Deserialize = fn(usize, &[u8], &mut Taker<'_>) -> Result<Taken, DecodeError>;

/// Finds the partition key in a payload.
pub type FindKey = fn(&dyn Any) -> Option<&dyn fmt::Display>;

/// Who takes an event that was made out of JSON: it stays where it was made until then, so that nothing is allocated for the
/// way.
pub struct Taker<'a> {
    take: &'a mut dyn FnMut(usize, &mut dyn Payload) -> Taking,
}

/// What became of an event that was made out of JSON.
#[derive(Debug)]
pub struct Taken(pub(crate) Taking);

pub(crate) type Taking = Result<Accepted, DispatchError>;

impl<'a> Taker<'a> {
    pub(crate) fn new(take: &'a mut dyn FnMut(usize, &mut dyn Payload) -> Taking) -> Self {
        Self { take }
    }

    pub(crate) fn take<E: Event>(&mut self, event: E) -> Taken {
        Taken((self.take)(event.__variant(), &mut Loose::new(event)))
    }
}

impl fmt::Debug for Taker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Taker").finish_non_exhaustive()
    }
}

/// What the derive says about a type: one static per event type, put into the link table.
pub struct EventDecl {
    #[doc(hidden)]
    pub type_name: &'static str,
    #[doc(hidden)]
    pub names: &'static [&'static str],
    /// One for each name.
    #[doc(hidden)]
    pub variants: &'static [Variant],
    #[doc(hidden)]
    pub place: Place,
    #[doc(hidden)]
    pub type_id: TypeId,
    #[doc(hidden)]
    pub serialize: Option<Serialize>,
    #[doc(hidden)]
    pub deserialize: Option<Deserialize>,
    #[doc(hidden)]
    pub validate: Option<Validate>,
    #[doc(hidden)]
    pub schema: Option<Schema>,
    /// Absent where no field is marked as the key.
    #[doc(hidden)]
    pub partition_key: Option<FindKey>,
    #[doc(hidden)]
    pub slot: Slot,
}

/// What is declared of one name of a type.
#[derive(Debug)]
pub struct Variant {
    /// What serde calls a variant of an enum.
    #[doc(hidden)]
    pub wire: Option<&'static str>,
    /// Other names under which payloads may arrive.
    #[doc(hidden)]
    pub aliases: &'static [&'static str],
    #[doc(hidden)]
    pub version: u32,
    /// How payloads of the versions before are read, the oldest first.
    #[doc(hidden)]
    pub upgrades: &'static [Deserialize],
    #[doc(hidden)]
    pub fields: &'static [Field],
    /// The rules of the type that a newtype wraps.
    #[doc(hidden)]
    pub wrapped: Option<ValidateWrapped>,
}

/// What is declared of a field.
#[derive(Debug)]
pub struct Field {
    #[doc(hidden)]
    pub name: &'static str,
    /// Its name in JSON: `[1]` in a tuple, empty in a newtype, which is its field.
    #[doc(hidden)]
    pub wire: &'static str,
    /// Whether its own fields stand beside it in JSON.
    #[doc(hidden)]
    pub flat: bool,
    /// Whether its value must not be shown.
    #[doc(hidden)]
    pub secret: bool,
}

impl Field {
    /// Whether nothing of a payload may be shown: it is a newtype of a secret.
    pub(crate) fn all_secret(fields: &[Self]) -> bool {
        matches!(fields, [Self { wire: "", secret: true, .. }])
    }
}

impl EventDecl {
    /// The path of the type: `my_app::billing::OrderPlaced`.
    pub(crate) fn path(&self) -> String {
        format!("{}::{}", self.place.module, self.type_name)
    }
}

impl fmt::Debug for EventDecl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventDecl")
            .field("type_name", &self.type_name)
            .field("names", &self.names)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// Where the routes of a type begin; written once, when the link table is read.
#[derive(Debug, Default)]
pub struct Slot(OnceLock<usize>);

impl Slot {
    #[doc(hidden)]
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The route of the first name of the type, unless the type came into the process after the table was read.
    #[inline]
    pub(crate) fn get(&self) -> Option<usize> {
        self.0.get().copied()
    }

    pub(crate) fn fill(&self, base: usize) {
        // A second registry cannot exist, so a slot that is full holds this very number.
        let _ = self.0.set(base);
    }
}

/// An entry of the link table.
#[derive(Debug)]
pub struct EventEntry(#[doc(hidden)] pub &'static EventDecl);

inventory::collect!(EventEntry);
