//! What a handler's first parameter may be: the event.

use std::sync::Arc;
use std::time::Duration;

use crate::any::AnyEvent;
use crate::context::{About, Context};
use crate::error::BoxError;
use crate::event::{Event, EventDecl};
use crate::failure::Failure;

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

    /// When the function is called, where that is not for an event.
    pub(crate) fn moment(self) -> Option<String> {
        match self {
            Self::Moment(Moment::Startup) => Some("startup".into()),
            Self::Moment(Moment::Shutdown) => Some("shutdown".into()),
            Self::Moment(Moment::Failure) => Some("failure".into()),
            Self::Tick(schedule) => Some(format!("every {:?}", schedule.interval)),
            Self::Type(_) | Self::Any | Self::View => None,
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

/// A type that a handler may take by value in its first parameter: `E` where `E: Clone`, `Arc<E>`, `View<T>`, `Batch<E>`.
#[diagnostic::on_unimplemented(
    message = "a handler cannot take its event as `{Self}`",
    label = "not an event that can be taken by value",
    note = "take `&E` or `Arc<E>` for an event type `E`, `E` itself when it is `Clone`, `Batch<E>`, `View<T>`, or `&AnyEvent`"
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

/// The error of a parameter that speaks of the event where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no event here")]
pub struct NoEvent;
