//! What handlers emit: by what they return, and by what they ask for.

use std::fmt;
use std::marker::PhantomData;

use crate::context::{Ambient, Context, Signature};
use crate::dispatch::DispatchError;
use crate::error::BoxError;
use crate::event::Event;
use crate::handler::Outcome;
use crate::params::FromContext;

/// What a handler may return: nothing, an event, or an `Option`, a `Vec`, a tuple or a `Result` of these.
///
/// Returned events are dispatched as if the handler had called [`dispatch`](crate::dispatch) itself. Of several, one
/// that is refused keeps none of the others back; the refusal becomes the handler's `Failure`. The error of a `Result`
/// is anything that converts into a boxed error, text included.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    label = "`()`, an event or a `Result` of them is expected",
    note = "return `()`, an event, or an `Option`, `Vec`, tuple or `Result` of these; the error of a `Result` must convert into `Box<dyn Error + Send + Sync>`"
)]
pub trait IntoEvents: Sized {
    #[doc(hidden)]
    fn emit(self, emitter: &mut Emitter) -> Result<(), BoxError>;
    #[doc(hidden)]
    fn declare(signature: &mut Signature);

    /// Dispatches what a handler returned.
    #[doc(hidden)]
    fn finish(self) -> Outcome {
        let mut emitter = Emitter::default();
        let result = self.emit(&mut emitter);
        result.and(emitter.finish())
    }
}

/// Dispatches what a handler returned, and keeps what was refused.
#[derive(Debug, Default)]
pub struct Emitter {
    refused: Vec<DispatchError>,
    emitted: usize,
}

impl Emitter {
    fn finish(mut self) -> Outcome {
        match (self.refused.pop(), self.refused.len()) {
            (None, _) => Ok(()),
            (Some(only), 0) => Err(Box::new(only)),
            (Some(last), others) => {
                Err(format!("{} of the {} returned events were refused, at last: {last}", others + 1, self.emitted)
                    .into())
            }
        }
    }
}

impl IntoEvents for () {
    fn emit(self, _: &mut Emitter) -> Result<(), BoxError> {
        Ok(())
    }

    fn finish(self) -> Outcome {
        Ok(())
    }

    fn declare(_: &mut Signature) {}
}

#[diagnostic::do_not_recommend]
impl<E: Event> IntoEvents for E {
    fn emit(self, emitter: &mut Emitter) -> Result<(), BoxError> {
        emitter.emitted += 1;
        if let Err(error) = crate::dispatch(self) {
            emitter.refused.push(error);
        }
        Ok(())
    }

    fn finish(self) -> Outcome {
        crate::dispatch(self).map_err(Into::into)
    }

    fn declare(signature: &mut Signature) {
        signature.emits::<E>();
    }
}

impl<R: IntoEvents> IntoEvents for Option<R> {
    fn emit(self, emitter: &mut Emitter) -> Result<(), BoxError> {
        self.map_or(Ok(()), |events| events.emit(emitter))
    }

    fn finish(self) -> Outcome {
        self.map_or(Ok(()), R::finish)
    }

    fn declare(signature: &mut Signature) {
        R::declare(signature);
    }
}

impl<R: IntoEvents> IntoEvents for Vec<R> {
    fn emit(self, emitter: &mut Emitter) -> Result<(), BoxError> {
        let mut result = Ok(());
        for events in self {
            result = result.and(events.emit(emitter));
        }
        result
    }

    fn declare(signature: &mut Signature) {
        R::declare(signature);
    }
}

impl<R: IntoEvents, X: Into<BoxError>> IntoEvents for Result<R, X> {
    fn emit(self, emitter: &mut Emitter) -> Result<(), BoxError> {
        self.map_err(Into::into)?.emit(emitter)
    }

    fn finish(self) -> Outcome {
        self.map_err(Into::into)?.finish()
    }

    fn declare(signature: &mut Signature) {
        R::declare(signature);
    }
}

/// Dispatches events whose types the signature names: a parameter of handlers that emit more than they return.
///
/// `Emit<A>` dispatches events of type `A`, `Emit<(A, B)>` those of either; any other type does not compile. The catalog
/// draws the handler's emissions from it, without running anything.
///
/// # Examples
///
/// ```
/// use events::{Emit, Event, on};
///
/// #[derive(Event)]
/// struct OrderPlaced { lines: Vec<u32> }
/// #[derive(Event)]
/// struct LineReserved(u32);
/// #[derive(Event)]
/// struct OrderEmpty;
///
/// #[on]
/// fn reserve(order: &OrderPlaced, emit: Emit<(LineReserved, OrderEmpty)>) -> Result<(), events::DispatchError> {
///     if order.lines.is_empty() {
///         emit.dispatch(OrderEmpty)?;
///     }
///     for line in &order.lines {
///         emit.dispatch(LineReserved(*line))?;
///     }
///     Ok(())
/// }
/// # fn main() {}
/// ```
pub struct Emit<T> {
    ambient: Ambient,
    emits: PhantomData<fn(T)>,
}

impl<T> Emit<T> {
    /// Dispatches an event of one of the types in `T`.
    ///
    /// # Errors
    ///
    /// As [`dispatch`](crate::dispatch) called in the handler.
    pub fn dispatch<E: Event, At>(&self, event: E) -> Result<(), DispatchError>
    where
        T: Includes<E, At>,
    {
        crate::dispatch::dispatch_in(&self.ambient, event)
    }
}

impl<T> fmt::Debug for Emit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Emit<{}>", std::any::type_name::<T>())
    }
}

impl<T: EmitSet> FromContext for Emit<T> {
    type Error = std::convert::Infallible;

    fn from_context(context: &Context<'_>) -> Result<Self, Self::Error> {
        let ambient = Ambient::current().unwrap_or_else(|| Ambient::of(context.lifespan().clone()));
        Ok(Self { ambient, emits: PhantomData })
    }

    fn declare(signature: &mut Signature) {
        T::declare(signature);
    }
}

/// The types in the brackets of an [`Emit`]: one event, or a tuple of up to eight.
#[diagnostic::on_unimplemented(
    message = "`Emit` cannot dispatch `{Self}`",
    label = "neither an event nor a tuple of up to eight",
    note = "write `Emit<A>` or `Emit<(A, B)>` with types that derive `Event`"
)]
pub trait EmitSet {
    #[doc(hidden)]
    fn declare(signature: &mut Signature);
}

#[diagnostic::do_not_recommend]
impl<E: Event> EmitSet for E {
    fn declare(signature: &mut Signature) {
        signature.emits::<E>();
    }
}

/// That `E` is among the types of an [`Emit`]; `At`, its place there, is found by the compiler.
#[diagnostic::on_unimplemented(
    message = "the handler's `Emit` does not name `{E}`",
    label = "an event of another type",
    note = "add `{E}` to the brackets: `Emit<(.., {E})>`"
)]
pub trait Includes<E, At> {}

/// The place of a type that stands alone.
#[derive(Debug)]
pub struct Alone;

#[diagnostic::do_not_recommend]
impl<E: Event> Includes<E, Alone> for E {}

/// A place in a tuple.
#[derive(Debug)]
pub struct At<const INDEX: usize>;

macro_rules! tuples {
    ($($name:ident $index:literal),+) => {
        #[diagnostic::do_not_recommend]
        impl<$($name: IntoEvents),+> IntoEvents for ($($name,)+) {
            #[expect(non_snake_case, reason = "one variable for each type parameter")]
            fn emit(self, emitter: &mut Emitter) -> Result<(), BoxError> {
                let ($($name,)+) = self;
                Ok(())$(.and($name.emit(emitter)))+
            }

            fn declare(signature: &mut Signature) {
                $($name::declare(signature);)+
            }
        }

        #[diagnostic::do_not_recommend]
        impl<$($name: Event),+> EmitSet for ($($name,)+) {
            fn declare(signature: &mut Signature) {
                $(signature.emits::<$name>();)+
            }
        }

        places!([$($name)+] $($name $index),+);
    };
}

macro_rules! places {
    ($all:tt $($name:ident $index:literal),+) => {
        $(place!($all $name $index);)+
    };
}

macro_rules! place {
    ([$($all:ident)+] $name:ident $index:literal) => {
        #[diagnostic::do_not_recommend]
        impl<$($all: Event),+> Includes<$name, At<$index>> for ($($all,)+) {}
    };
}

tuples!(A 0);
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
