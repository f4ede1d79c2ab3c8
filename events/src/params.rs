//! What a handler's other parameters may be.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::context::{Context, Signature};
use crate::error::BoxError;
use crate::lifespan::Lifespan;

/// A type that a handler may take in any parameter but the first: made for each call from its [`Context`].
///
/// The crate's own are [`State`], [`Lifespan`], [`Metadata`](crate::Metadata) and [`Emit`](crate::Emit).
///
/// # Examples
///
/// ```
/// use events::{Context, FromContext, Signature, State};
///
/// struct Locale(String);
///
/// impl FromContext for Locale {
///     type Error = events::MissingState;
///
///     fn from_context(context: &Context<'_>) -> Result<Self, Self::Error> {
///         State::<String>::from_context(context).map(|locale| Self(locale.to_lowercase()))
///     }
///
///     // `start()` now fails when the lifespan has no `String`, instead of each call.
///     fn declare(signature: &mut Signature) {
///         State::<String>::declare(signature);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler cannot ask for `{Self}`",
    label = "`{Self}` does not implement `FromContext`",
    note = "the first parameter is the event; the others are `State<T>`, `Lifespan`, `Metadata`, `Emit<(A, B)>` or a type of yours that implements `events::FromContext`"
)]
pub trait FromContext: Sized {
    /// Why the value could not be made.
    type Error: Into<BoxError>;

    /// Makes the value for one call.
    ///
    /// # Errors
    ///
    /// Whatever keeps the value from being made. The handler does not run then, and the error becomes its `Failure`.
    fn from_context(context: &Context<'_>) -> Result<Self, Self::Error>;

    /// As `from_context`, in a form that names no associated type: where the type is not `FromContext` at all, that is one
    /// error and not two.
    #[doc(hidden)]
    fn __make(context: &Context<'_>) -> Result<Self, BoxError> {
        Self::from_context(context).map_err(Into::into)
    }

    /// Says what the value needs, so that `start()` can miss it. The default needs nothing.
    fn declare(signature: &mut Signature) {
        let _ = signature;
    }
}

/// A value that the lifespan was started with: a parameter of handlers.
///
/// Dereferences to `T`. When no value of the type was given to the builder, `start()` fails and names the handler.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{Event, Lifespan, State, on};
///
/// struct Config {
///     greeting: &'static str,
/// }
///
/// #[derive(Event)]
/// struct CatArrived {
///     name: String,
/// }
///
/// #[on]
/// fn greet(event: &CatArrived, config: State<Config>) {
///     println!("{} {}", config.greeting, event.name);
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), events::Error> {
/// let app = Lifespan::builder().state(Config { greeting: "hello" }).start().await?;
/// app.dispatch(CatArrived { name: "Tom".into() })?;
/// app.shutdown().await?;
/// # Ok(())
/// # }
/// ```
pub struct State<T>(pub Arc<T>);

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for State<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("State").field(&self.0).finish()
    }
}

/// The error of a parameter whose state the lifespan does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lifespan has no state of type `{type_name}`: give it to `Lifespan::builder().state(..)`")]
pub struct MissingState {
    type_name: &'static str,
}

impl<T: Send + Sync + 'static> FromContext for State<T> {
    type Error = MissingState;

    fn from_context(context: &Context<'_>) -> Result<Self, MissingState> {
        context.state::<T>().map(Self).ok_or(MissingState { type_name: std::any::type_name::<T>() })
    }

    fn declare(signature: &mut Signature) {
        signature.needs_state::<T>();
    }
}

/// A value of the scope that the event was dispatched in: a parameter of handlers.
///
/// A scope is given values by [`Scoped::value`](crate::Scoped::value), by [`Scope::insert`](crate::Scope::insert), and by
/// `EventsLayer::value`. Where the scope has none of the type, or where the event was dispatched outside of a scope, by another
/// handler for one, the handler does not run, and that is its `Failure`; `Option<ScopeValue<T>>` is `None` then.
/// [`State<T>`](State) finds the scope's value too, and the lifespan's where there is none.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{Event, Lifespan, ScopeValue, dispatch, on};
///
/// struct User(&'static str);
///
/// #[derive(Event)]
/// struct CatFed;
///
/// #[on]
/// fn thank(_: &CatFed, user: ScopeValue<User>) {
///     println!("thank you, {}", user.0);
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), events::Error> {
/// let app = Lifespan::builder().start().await?;
/// app.scope(async { dispatch(CatFed) }).value(User("Alice")).await?;
/// let report = app.shutdown().await?;
/// assert_eq!(report.failed, 0);
/// # Ok(())
/// # }
/// ```
pub struct ScopeValue<T>(Arc<T>);

impl<T> Clone for ScopeValue<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for ScopeValue<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for ScopeValue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScopeValue").field(&self.0).finish()
    }
}

/// The error of a parameter whose value the scope does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event was not dispatched in a scope with a value of type `{type_name}`")]
pub struct MissingScopeValue {
    type_name: &'static str,
}

impl<T: Send + Sync + 'static> FromContext for ScopeValue<T> {
    type Error = MissingScopeValue;

    fn from_context(context: &Context<'_>) -> Result<Self, MissingScopeValue> {
        context.scope_value::<T>().map(Self).ok_or(MissingScopeValue { type_name: std::any::type_name::<T>() })
    }
}

/// What can be missing: `None` where the value could not be made, whatever the reason.
impl<T: FromContext> FromContext for Option<T> {
    type Error = std::convert::Infallible;

    fn from_context(context: &Context<'_>) -> Result<Self, Self::Error> {
        Ok(T::from_context(context).ok())
    }
}

impl FromContext for Lifespan {
    type Error = std::convert::Infallible;

    fn from_context(context: &Context<'_>) -> Result<Self, Self::Error> {
        Ok(context.lifespan.clone())
    }
}
