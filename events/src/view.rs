//! Events seen by their shape instead of by their type.

use std::fmt;
use std::ops::Deref;

use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::error::BoxError;
use crate::extract::{Accepts, EventArg, NoEvent};
use crate::wire;

/// Any event whose JSON has the shape of `T`: the first parameter of a handler that does not know, or not want, the type.
///
/// Every event that the patterns match is serialised once and read as a `T`. Where it does not fit, the handler does not
/// run, and the error, which names the field, becomes its `Failure`; other handlers are not concerned.
///
/// A typed event is seen through its own `Serialize`: what the type does not keep, the view does not see.
///
/// # Examples
///
/// ```
/// use events::{View, on};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct HasCat {
///     cat: String,
/// }
///
/// #[on("cat-*")]
/// fn greet(event: View<HasCat>) {
///     println!("about {}", event.cat);
/// }
/// # fn main() {}
/// ```
pub struct View<T>(pub T);

impl<T> Deref for View<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for View<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("View").field(&self.0).finish()
    }
}

impl<T: DeserializeOwned> EventArg for View<T> {
    const ACCEPTS: Accepts = Accepts::View;
    const NAMES: Option<&'static [&'static str]> = None;

    fn from_context(context: &Context<'_>) -> Result<Self, BoxError> {
        let event = context.event().ok_or(NoEvent)?;
        let json = event.json().get().map_err(Clone::clone)?;
        let fits = wire::decode(json.as_bytes()).map_err(|error| error.without_secrets(event.subject().fields()));
        Ok(Self(fits?))
    }
}
