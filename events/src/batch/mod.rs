//! Several events in one call.

mod bucket;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use crate::any::AnyEvent;
use crate::context::{About, Context};
use crate::error::BoxError;
use crate::event::Event;
use crate::extract::{Accepts, EventArg, NoEvent};
use crate::source::Mark;

pub(crate) use bucket::Bucket;

/// How a handler collects events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// How many events make a batch.
    #[doc(hidden)]
    pub size: usize,
    /// How long the oldest one waits.
    #[doc(hidden)]
    pub within: Duration,
    /// How many batches may be handled at a time.
    #[doc(hidden)]
    pub concurrency: usize,
}

/// Events that a handler takes together: the first parameter of one under `#[on(.., batch = 100, within = "500ms")]`.
///
/// It holds at least one event and at most `batch`, in the order in which they came, from any scopes, chains and sources. The
/// handler is called when there are so many, when a source has lent all that it has under way, when the oldest one has waited for
/// `within`, and when the lifespan ends. Its
/// answer is that of each of the events: their deliveries wait for it, and messages are settled after it. Where it fails, one
/// [`Failure`](crate::Failure) tells of it, that of its first event.
///
/// # Examples
///
/// ```
/// use events::{Batch, Event, on};
///
/// #[derive(Event, serde::Deserialize)]
/// struct Measured {
///     celsius: f64,
/// }
///
/// #[on(batch = 100, within = "500ms")]
/// async fn store(batch: Batch<Measured>) -> Result<(), std::io::Error> {
///     for item in batch.items() {
///         if item.celsius < -273.15 {
///             item.mark().reject(); // the others are not concerned
///         }
///     }
///     println!("{} rows", batch.len());
///     Ok(())
/// }
/// # fn main() {}
/// ```
pub struct Batch<E> {
    all: Arc<[Collected]>,
    payload: PhantomData<fn() -> E>,
}

/// An event that waits in a batch, and the mark of the message that it came in.
#[derive(Clone, Debug)]
pub(crate) struct Collected {
    pub(crate) event: AnyEvent,
    pub(crate) mark: Mark,
}

/// One event of a [`Batch`]: it dereferences to the payload.
pub struct BatchItem<'a, E> {
    payload: &'a E,
    collected: &'a Collected,
}

impl<E: Event> Batch<E> {
    /// How many events there are: at least one.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// The payloads, in order.
    pub fn iter(&self) -> impl Iterator<Item = &E> {
        self.items().map(|item| item.payload)
    }

    /// The events, in order, each with what belongs to it alone.
    pub fn items(&self) -> impl Iterator<Item = BatchItem<'_, E>> {
        self.all.iter().filter_map(|collected| Some(BatchItem { payload: collected.event.downcast_ref()?, collected }))
    }
}

impl<'a, E> BatchItem<'a, E> {
    /// The event, with its identity and all that travels beside its payload.
    pub fn event(&self) -> &'a AnyEvent {
        &self.collected.event
    }

    /// Says how the message of this event alone is to be settled.
    pub fn mark(&self) -> &'a Mark {
        &self.collected.mark
    }
}

impl<E> std::ops::Deref for BatchItem<'_, E> {
    type Target = E;

    fn deref(&self) -> &E {
        self.payload
    }
}

impl<E: fmt::Debug> fmt::Debug for BatchItem<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BatchItem").field(self.payload).finish()
    }
}

impl<E> fmt::Debug for Batch<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.iter().map(|collected| &collected.event)).finish()
    }
}

impl<E: Event> EventArg for Batch<E> {
    const ACCEPTS: Accepts = Accepts::Type(E::__declaration);
    const NAMES: Option<&'static [&'static str]> = Some(E::NAMES);

    fn from_context(context: &Context<'_>) -> Result<Self, BoxError> {
        let all = match context.about {
            About::Batch(all) => Arc::clone(all),
            // A test calls the handler for one event.
            About::Event(event) => [Collected { event: event.clone(), mark: Mark::default() }].into(),
            About::Nothing | About::Payload(_) | About::Failure(_) => return Err(NoEvent.into()),
        };
        Ok(Self { all, payload: PhantomData })
    }
}
