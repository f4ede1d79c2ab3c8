//! What an event is: the trait, and what `#[derive(Event)]` declares about a type.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::OnceLock;

use serde_json::value::RawValue;

use crate::place::Place;
use crate::validate::ValidationErrors;

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
    fn __variant(&self) -> usize;

    #[doc(hidden)]
    fn __declaration() -> &'static EventDecl;
}

/// Turns a payload into JSON.
pub type Serialize = fn(&dyn Any) -> Result<Box<RawValue>, serde_json::Error>;
/// Checks a payload by its own rules.
pub type Validate = fn(&dyn Any) -> Result<(), ValidationErrors>;
/// Makes a payload out of JSON; the number says which variant of an enum it is to be.
pub type Deserialize = fn(usize, &[u8]) -> Result<Box<dyn crate::any::Payload>, crate::wire::DecodeError>;

/// What the derive says about a type: one static per event type, put into the link table.
pub struct EventDecl {
    #[doc(hidden)]
    pub type_name: &'static str,
    #[doc(hidden)]
    pub names: &'static [&'static str],
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
    pub slot: Slot,
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
