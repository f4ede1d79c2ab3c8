//! Events whose type is not known: what travels through scopes and deliveries.

use std::any::Any;
use std::fmt::{self, Write as _};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use serde_json::value::RawValue;

use crate::error::BoxError;
use crate::event::{Event, EventDecl, Field};
use crate::metadata::{EventId, Meta};
use crate::route::Route;

/// An event of any type: its name, its payload, and what travels beside the payload.
///
/// Cloning it is cheap: the clones share one payload and one serialised form.
///
/// # Examples
///
/// ```
/// use events::{AnyEvent, on};
///
/// #[on("*")]
/// fn audit(event: &AnyEvent) {
///     println!("{} {} {}", event.id(), event.name(), event.json());
/// }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct AnyEvent {
    stored: Arc<dyn Stored>,
}

impl AnyEvent {
    /// The event's name.
    pub fn name(&self) -> &str {
        self.stored.head().subject.name()
    }

    /// The event's identity, which no other event has.
    pub fn id(&self) -> &EventId {
        &self.meta().id
    }

    /// When the event was dispatched.
    pub fn time(&self) -> SystemTime {
        self.meta().time
    }

    /// The identity of the event that the chain began with; its own where it began one.
    pub fn correlation(&self) -> &EventId {
        self.meta().correlation.as_ref().unwrap_or(&self.meta().id)
    }

    /// The identity of the event whose handler dispatched this one.
    pub fn causation(&self) -> Option<&EventId> {
        self.meta().causation.as_ref()
    }

    /// How many handlers stand between this event and the one that the chain began with: 0 for that one.
    pub fn hops(&self) -> u32 {
        self.meta().hops
    }

    /// The version of the payload's type: the one that `#[event(version = ..)]` gives, or 1.
    pub fn version(&self) -> u32 {
        match self.subject() {
            Subject::Declared { decl, variant } => decl.variants[*variant].version,
            Subject::Unknown { .. } => 1,
        }
    }

    /// The payload, where it is an `E`.
    pub fn downcast_ref<E: Event>(&self) -> Option<&E> {
        self.stored.payload().downcast_ref()
    }

    /// The payload as JSON: serialised when the first of all clones asks, and kept.
    ///
    /// `Display` writes the text, and where there is none, the reason between angle brackets. [`Json::get`] tells the
    /// two apart.
    pub fn json(&self) -> Json<'_> {
        let head = self.stored.head();
        Json { result: head.json.get_or_init(|| head.subject.serialize(self.stored.payload())) }
    }

    /// Takes the payload out, where it is an `E` and this is the only handle of it; gives the event back otherwise.
    ///
    /// # Errors
    ///
    /// The event itself, when it has another type or has been cloned.
    pub fn try_into_inner<E: Event>(self) -> Result<E, Self> {
        let stored: Arc<dyn Any + Send + Sync> = Arc::<dyn Stored>::clone(&self.stored);
        match stored.downcast::<Cell<E>>() {
            Ok(cell) => {
                drop(self);
                Arc::try_unwrap(cell).map(|cell| cell.payload).map_err(|cell| Self { stored: cell })
            }
            Err(stored) => {
                let Ok(cell) = stored.downcast::<SharedCell<E>>() else { return Err(self) };
                drop(self);
                let SharedCell { head, payload } = Arc::try_unwrap(cell).map_err(|cell| Self { stored: cell })?;
                Arc::try_unwrap(payload).map_err(|payload| Self { stored: Arc::new(SharedCell { head, payload }) })
            }
        }
    }

    /// What the event has in common with those that it is to stay in order with: what a field of it says, or else what it came
    /// with.
    pub(crate) fn partition_key(&self) -> Result<Option<Arc<str>>, BoxError> {
        let declared = match self.subject() {
            Subject::Declared { decl, .. } => decl.partition_key.and_then(|find| find(self.payload())),
            Subject::Unknown { .. } => None,
        };
        let Some(key) = declared else { return Ok(self.meta().partition_key.clone()) };
        let mut text = String::new();
        write!(text, "{key}").map_err(|_| format!("the partition key of `{}` could not be written", self.name()))?;
        Ok((!text.is_empty()).then(|| text.into()))
    }

    #[inline]
    pub(crate) fn meta(&self) -> &Meta {
        &self.stored.head().meta
    }

    #[inline]
    pub(crate) fn subject(&self) -> &Subject {
        &self.stored.head().subject
    }

    pub(crate) fn payload(&self) -> &(dyn Any + Send + Sync) {
        self.stored.payload()
    }

    /// The payload as it was stored for handlers that keep it.
    pub(crate) fn arc<E: Event>(&self) -> Option<Arc<E>> {
        let stored: &dyn Any = &*self.stored;
        stored.downcast_ref::<SharedCell<E>>().map(|cell| Arc::clone(&cell.payload))
    }
}

impl fmt::Debug for AnyEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyEvent")
            .field("name", &self.name())
            .field("id", self.id())
            .field("hops", &self.hops())
            .finish_non_exhaustive()
    }
}

/// A payload as JSON, or the reason why there is none.
#[derive(Clone, Copy, Debug)]
pub struct Json<'a> {
    result: &'a Result<Box<RawValue>, JsonError>,
}

impl<'a> Json<'a> {
    /// The text.
    ///
    /// # Errors
    ///
    /// [`JsonError::NotSerialize`] when the payload's type does not implement `Serialize`, and [`JsonError::Failed`]
    /// when its implementation failed.
    pub fn get(self) -> Result<&'a str, &'a JsonError> {
        self.result.as_ref().map(|raw| raw.get())
    }
}

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.get() {
            Ok(text) => f.write_str(text),
            Err(error) => write!(f, "<{error}>"),
        }
    }
}

/// Why an event has no JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The payload's type cannot be serialised.
    #[error("`{type_name}` has no JSON: derive `serde::Serialize` for it")]
    NotSerialize {
        /// The payload's type.
        type_name: &'static str,
    },
    /// The payload's own `Serialize` failed.
    #[error("`{type_name}` could not be serialised: {reason}")]
    Failed {
        /// The payload's type.
        type_name: &'static str,
        /// What `Serialize` said; of more than 1024 bytes the middle is left out.
        reason: String,
    },
}

/// What an event is about: a variant of a declared type, or a name that no type has.
#[derive(Debug)]
pub(crate) enum Subject {
    Declared { decl: &'static EventDecl, variant: usize },
    Unknown { name: Box<str>, route: Arc<Route> },
}

impl Subject {
    pub(crate) fn of<E: Event>(event: &E) -> Self {
        Self::Declared { decl: E::__declaration(), variant: event.__variant() }
    }

    /// Whether the payload has rules of its own.
    pub(crate) fn has_rules(&self) -> bool {
        matches!(self, Self::Declared { decl, .. } if decl.validate.is_some())
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Declared { decl, variant } => decl.names[*variant],
            Self::Unknown { name, .. } => name,
        }
    }

    /// What the derive knows of the payload's fields.
    pub(crate) fn fields(&self) -> &'static [Field] {
        match self {
            Self::Declared { decl, variant } => decl.variants[*variant].fields,
            Self::Unknown { .. } => &[],
        }
    }

    fn serialize(&self, payload: &(dyn Any + Send + Sync)) -> Result<Box<RawValue>, JsonError> {
        let Self::Declared { decl: EventDecl { type_name, serialize, .. }, .. } = self else {
            let raw = payload.downcast_ref::<Box<RawValue>>();
            return raw.cloned().ok_or(JsonError::NotSerialize { type_name: "RawValue" });
        };
        let serialize = serialize.ok_or(JsonError::NotSerialize { type_name })?;
        serialize(payload)
            .map_err(|error| JsonError::Failed { type_name, reason: crate::wire::shown(&error.to_string()) })
    }
}

/// What travels beside every payload.
#[derive(Debug)]
pub(crate) struct Head {
    subject: Subject,
    meta: Meta,
    json: OnceLock<Result<Box<RawValue>, JsonError>>,
}

trait Stored: Any + Send + Sync {
    fn head(&self) -> &Head;
    fn payload(&self) -> &(dyn Any + Send + Sync);
}

/// An event in one allocation.
struct Cell<P> {
    head: Head,
    payload: P,
}

impl<P: Any + Send + Sync> Stored for Cell<P> {
    fn head(&self) -> &Head {
        &self.head
    }

    fn payload(&self) -> &(dyn Any + Send + Sync) {
        &self.payload
    }
}

/// An event of which some handler wants to keep the payload as an `Arc`.
struct SharedCell<P> {
    head: Head,
    payload: Arc<P>,
}

impl<P: Any + Send + Sync> Stored for SharedCell<P> {
    fn head(&self) -> &Head {
        &self.head
    }

    fn payload(&self) -> &(dyn Any + Send + Sync) {
        &*self.payload
    }
}

/// A payload on its way into an [`AnyEvent`]; hides the type, so that dispatching is compiled once.
pub(crate) trait Payload: Send {
    fn peek(&self) -> &(dyn Any + Send + Sync);
    /// Whether its rules are not asked.
    fn is_unchecked(&self) -> bool;
    fn store(&mut self, form: Form) -> Option<AnyEvent>;
    /// Takes it from where it lies.
    #[cfg(feature = "http")]
    fn boxed(&mut self) -> Box<dyn Payload>;
}

/// How an event is to be stored.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) subject: Subject,
    pub(crate) meta: Meta,
    /// Whether some handler takes the payload as an `Arc`.
    pub(crate) shared: bool,
}

/// A payload that can be looked at in place, and taken once.
pub(crate) struct Loose<P> {
    payload: Option<P>,
    unchecked: bool,
}

impl<P> Loose<P> {
    pub(crate) fn new(payload: P) -> Self {
        Self { payload: Some(payload), unchecked: false }
    }

    /// A payload that its rules are not asked about.
    pub(crate) fn unchecked(payload: P) -> Self {
        Self { payload: Some(payload), unchecked: true }
    }
}

impl<P: Any + Send + Sync> Payload for Loose<P> {
    fn peek(&self) -> &(dyn Any + Send + Sync) {
        match &self.payload {
            Some(payload) => payload,
            None => &(),
        }
    }

    fn is_unchecked(&self) -> bool {
        self.unchecked
    }

    fn store(&mut self, form: Form) -> Option<AnyEvent> {
        let payload = self.payload.take()?;
        let Form { subject, meta, shared } = form;
        let json = OnceLock::new();
        let stored: Arc<dyn Stored> = if shared {
            Arc::new(SharedCell { head: Head { subject, meta, json }, payload: Arc::new(payload) })
        } else {
            Arc::new(Cell { head: Head { subject, meta, json }, payload })
        };
        Some(AnyEvent { stored })
    }

    #[cfg(feature = "http")]
    fn boxed(&mut self) -> Box<dyn Payload> {
        Box::new(Self { payload: self.payload.take(), unchecked: self.unchecked })
    }
}
