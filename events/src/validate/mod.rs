//! What a payload's own rules said about it.

mod json;
mod report;
mod rule;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::ser::{Serialize, SerializeMap as _, SerializeStruct as _, Serializer};
use serde_json::value::RawValue;
use validator::Validate;

use crate::event::{Event, Field};
use crate::failure::panic_text;
use crate::wire::DecodeError;
use report::Report;

/// The rules of a payload that a value broke: at most 100 of them, and how many more there are.
///
/// They are in the order in which the fields are declared; rules over the whole of a struct come after those of its
/// fields. Where a nested type is not `Serialize`, only its own rules know its fields, and they are in the order of their
/// names.
///
/// Rules are those of the type's `validator::Validate`. What no attribute can say is a function in
/// `#[validate(schema(function = ..))]`, or an implementation of `Validate` by hand, which enums and tuple structs need in
/// any case. A newtype, struct or variant, without an implementation of its own is checked as what it wraps.
///
/// As JSON, for the answer to who sent the payload:
///
/// ```standalone_crate
/// # use serde::Serialize;
/// use events::{DispatchError, Event, Lifespan};
/// use validator::Validate;
///
/// #[derive(Event, Serialize, Validate)]
/// struct CatFed {
///     #[validate(length(min = 1))]
///     cat: String,
///     #[validate(range(min = 1, max = 10))]
///     fish: u32,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), events::Error> {
/// let app = Lifespan::builder().start().await?;
/// let refused = app.dispatch(CatFed { cat: "Tom".into(), fish: 20 });
/// let Err(DispatchError::Invalid { errors, .. }) = refused else { panic!("20 fish are too many") };
/// assert_eq!(errors.to_string(), "`fish`: must be from 1 to 10, got 20 (range)");
/// assert_eq!(
///     serde_json::to_string(&errors).unwrap(),
///     r#"{"errors":[{"path":"fish","code":"range","message":"must be from 1 to 10","value":20}]}"#
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationErrors {
    fields: Vec<FieldError>,
    more: usize,
}

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldError {
    /// The path of the value from the payload's root, in the names that it has on the wire: `orders[2].fish`. Empty for
    /// the payload as a whole. Of a long one the middle is left out, and control characters are escaped.
    pub path: String,
    /// The name of the rule: `range`, `length`, `email`. `panic`, where the check itself panicked; `malformed`, where the
    /// payload does not fit its type.
    pub code: String,
    /// What is wrong: the rule's own message, or one that is made of its limits.
    pub message: String,
    /// The value as JSON. One of more than 64 bytes is a text that holds its beginning and its length.
    ///
    /// None where the type cannot be serialised, where the value is the payload itself, and in fields under
    /// `#[event(secret)]`.
    pub value: Option<String>,
}

impl ValidationErrors {
    /// A payload that does not fit its type.
    pub(crate) fn of_malformed(error: &DecodeError) -> Self {
        let (path, message) = (error.path.clone(), error.reason.clone());
        Self { fields: vec![FieldError { path, code: "malformed".into(), message, value: None }], more: 0 }
    }

    /// The broken rules; the first 100, where there are more.
    pub fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    /// How many rules were broken beyond those of [`fields`](Self::fields).
    pub fn more(&self) -> usize {
        self.more
    }
}

impl fmt::Display for ValidationErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, field) in self.fields.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{field}")?;
        }
        if self.more > 0 { write!(f, "; and {} more", self.more) } else { Ok(()) }
    }
}

impl std::error::Error for ValidationErrors {}

/// As a map of `errors`, a list, and of `more`, where there are any.
impl Serialize for ValidationErrors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("errors", &self.fields)?;
        if self.more > 0 {
            map.serialize_entry("more", &self.more)?;
        }
        map.end()
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "the payload: {}", self.message)?,
            path => write!(f, "`{path}`: {}", self.message)?,
        }
        if let Some(value) = &self.value {
            write!(f, ", got {value}")?;
        }
        write!(f, " ({})", self.code)
    }
}

/// As a map of `path`, `code`, `message`, and of `value`, where it is known.
impl Serialize for FieldError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.value.as_deref().and_then(|value| serde_json::from_str::<&RawValue>(value).ok());
        let mut map = serializer.serialize_struct("FieldError", 3 + usize::from(value.is_some()))?;
        map.serialize_field("path", &self.path)?;
        map.serialize_field("code", &self.code)?;
        map.serialize_field("message", &self.message)?;
        if let Some(value) = value {
            map.serialize_field("value", value)?;
        }
        map.end()
    }
}

/// Checks a payload by the rules of its type.
pub(crate) fn validate<E: Event + Validate>(payload: &dyn Any) -> Result<(), ValidationErrors> {
    payload.downcast_ref::<E>().map_or(Ok(()), |event| check(event, || event.validate()))
}

/// Checks the one value that a payload wraps, by the rules of that value's type.
pub(crate) fn validate_wrapped<E: Event>(payload: &dyn Any) -> Result<(), ValidationErrors> {
    let Some(event) = payload.downcast_ref::<E>() else { return Ok(()) };
    let Some(validate) = E::__declaration().variants[event.__variant()].wrapped else { return Ok(()) };
    check(event, || validate(event.__wrapped()))
}

/// What the rules of a type say of a value.
pub(crate) fn rules<T: Validate + Any>(value: &dyn Any) -> Result<(), validator::ValidationErrors> {
    value.downcast_ref::<T>().map_or(Ok(()), Validate::validate)
}

fn check<E: Event>(
    event: &E,
    validate: impl FnOnce() -> Result<(), validator::ValidationErrors>,
) -> Result<(), ValidationErrors> {
    // The rules are the user's code, and `validator` itself panics where a value that broke one has no JSON.
    let broken = match catch_unwind(AssertUnwindSafe(validate)) {
        Ok(result) => result.err(),
        Err(panic) => return Err(of_panic(&panic_text(&*panic))),
    };
    let Some(broken) = broken else { return Ok(()) };
    let decl = E::__declaration();
    let json = decl.serialize.and_then(|serialize| serialize(event).ok());
    let fields: &[Field] = decl.variants[event.__variant()].fields;
    Err(Report::of(&broken, json.as_deref(), fields))
}

fn of_panic(text: &str) -> ValidationErrors {
    let message = format!("the check panicked: {text}");
    let error = FieldError { path: String::new(), code: "panic".into(), message, value: None };
    ValidationErrors { fields: vec![error], more: 0 }
}
