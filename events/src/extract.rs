//! What a handler's parameters may be.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::any::AnyEvent;
use crate::context::{About, Context, Signature};
use crate::error::BoxError;
use crate::event::{Event, EventDecl};
use crate::failure::Failure;
use crate::lifespan::Lifespan;

/// Which events a handler's first parameter takes.
#[derive(Clone, Copy, Debug)]
pub enum Accepts {
    /// The events of one type.
    Type(fn() -> &'static EventDecl),
    /// Every event.
    Any,
    /// Every event, through its JSON.
    View,
    /// None: the function is called at a moment of the lifespan.
    Moment(Moment),
    /// None: the function is called again and again.
    Tick(Schedule),
}

/// A moment of a lifespan that `#[on(..)]` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the first event is delivered.
    Startup,
    /// After the last one has been.
    Shutdown,
    /// Whenever something has failed.
    Failure,
}

/// How often `#[every(..)]` calls a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    #[doc(hidden)]
    pub interval: Duration,
    /// How many runs may go on at a time.
    #[doc(hidden)]
    pub max: usize,
}

impl Accepts {
    /// The type of the events, where it is one.
    pub(crate) fn payload_type(self) -> Option<&'static EventDecl> {
        match self {
            Self::Type(decl) => Some(decl()),
            Self::Any | Self::View | Self::Moment(_) | Self::Tick(_) => None,
        }
    }

    /// Whether it takes events at all.
    pub(crate) fn takes_events(self) -> bool {
        matches!(self, Self::Type(_) | Self::Any | Self::View)
    }
}

/// A type that a handler may take as `&T` in its first parameter: an event's payload, or [`AnyEvent`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    label = "`{Self}` does not implement `Event`",
    note = "add `#[derive(Event)]` to the type, or take `&AnyEvent` to receive every event whatever its type"
)]
pub trait EventRef: Send + Sync + 'static {
    #[doc(hidden)]
    const ACCEPTS: Accepts;
    #[doc(hidden)]
    const NAMES: Option<&'static [&'static str]>;
    #[doc(hidden)]
    const SHARED: bool = false;
    #[doc(hidden)]
    fn from_context<'a>(context: &Context<'a>) -> Result<&'a Self, BoxError>;
}

#[diagnostic::do_not_recommend]
impl<E: Event> EventRef for E {
    const ACCEPTS: Accepts = Accepts::Type(E::__declaration);
    const NAMES: Option<&'static [&'static str]> = Some(E::NAMES);

    fn from_context<'a>(context: &Context<'a>) -> Result<&'a Self, BoxError> {
        context.payload().and_then(|payload| payload.downcast_ref()).ok_or_else(|| NoEvent.into())
    }
}

impl EventRef for AnyEvent {
    const ACCEPTS: Accepts = Accepts::Any;
    const NAMES: Option<&'static [&'static str]> = None;

    fn from_context<'a>(context: &Context<'a>) -> Result<&'a Self, BoxError> {
        context.event().ok_or_else(|| NoEvent.into())
    }
}

impl EventRef for Failure {
    const ACCEPTS: Accepts = Accepts::Moment(Moment::Failure);
    const NAMES: Option<&'static [&'static str]> = None;

    fn from_context<'a>(context: &Context<'a>) -> Result<&'a Self, BoxError> {
        match context.about {
            About::Failure(failure) => Ok(failure),
            _ => Err(NoEvent.into()),
        }
    }
}

/// A type that a handler may take by value in its first parameter: `E` where `E: Clone`, `Arc<E>`, `View<T>`.
#[diagnostic::on_unimplemented(
    message = "a handler cannot take its event as `{Self}`",
    label = "not an event that can be taken by value",
    note = "take `&E` or `Arc<E>` for an event type `E`, `E` itself when it is `Clone`, `View<T>`, or `&AnyEvent`"
)]
pub trait EventArg: Sized {
    #[doc(hidden)]
    const ACCEPTS: Accepts;
    #[doc(hidden)]
    const NAMES: Option<&'static [&'static str]>;
    /// Whether the payload must be stored as an `Arc`.
    #[doc(hidden)]
    const SHARED: bool = false;
    #[doc(hidden)]
    fn from_context(context: &Context<'_>) -> Result<Self, BoxError>;
}

#[diagnostic::do_not_recommend]
impl<E: Event + Clone> EventArg for E {
    const ACCEPTS: Accepts = Accepts::Type(E::__declaration);
    const NAMES: Option<&'static [&'static str]> = Some(E::NAMES);

    fn from_context(context: &Context<'_>) -> Result<Self, BoxError> {
        <E as EventRef>::from_context(context).cloned()
    }
}

impl<E: Event> EventArg for Arc<E> {
    const ACCEPTS: Accepts = Accepts::Type(E::__declaration);
    const NAMES: Option<&'static [&'static str]> = Some(E::NAMES);
    const SHARED: bool = true;

    fn from_context(context: &Context<'_>) -> Result<Self, BoxError> {
        context.event().and_then(AnyEvent::arc).ok_or_else(|| NoEvent.into())
    }
}

impl EventArg for AnyEvent {
    const ACCEPTS: Accepts = Accepts::Any;
    const NAMES: Option<&'static [&'static str]> = None;

    fn from_context(context: &Context<'_>) -> Result<Self, BoxError> {
        context.event().cloned().ok_or_else(|| NoEvent.into())
    }
}

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

/// The error of a parameter that speaks of the event where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no event here")]
pub struct NoEvent;

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

impl FromContext for Lifespan {
    type Error = std::convert::Infallible;

    fn from_context(context: &Context<'_>) -> Result<Self, Self::Error> {
        Ok(context.lifespan.clone())
    }
}
