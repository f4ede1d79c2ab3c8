//! The beginning of a lifespan: what it is given, and what is chosen.

use std::any::TypeId;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::core::{Limits, StateMap};
use super::{Lifespan, StartError};
use crate::any::AnyEvent;
use crate::emit::IntoEvents;
use crate::event::Event;
use crate::extract::EventArg;
use crate::handler::{ClosureHandler, HandlerDecl};
use crate::place::Site;
use crate::timing::{OnTiming, Timing};

const DEFAULT_LIMITS: Limits =
    Limits { max_hops: 64, max_pending: 65_536, max_at_work: 1024, shutdown_deadline: Duration::from_secs(30) };

/// Describes a lifespan before it starts. Made by [`Lifespan::builder`].
#[must_use = "a builder does nothing until `start`"]
pub struct LifespanBuilder {
    pub(super) state: StateMap,
    pub(super) limits: Limits,
    pub(super) closures: Vec<ClosureHandler>,
    pub(super) choice: Choice,
}

/// Which of the declared functions a lifespan has.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pub(super) without: Vec<String>,
    pub(super) without_groups: Vec<String>,
    pub(super) only_groups: Option<Vec<String>>,
}

impl Choice {
    pub(super) fn takes(&self, function: &HandlerDecl) -> bool {
        let named = |names: &[String], name: &str| names.iter().any(|known| known == name);
        let group = function.group.is_none_or(|group| {
            !named(&self.without_groups, group) && self.only_groups.as_ref().is_none_or(|only| named(only, group))
        });
        group && (self.without.is_empty() || !named(&self.without, &function.site.path()))
    }
}

impl LifespanBuilder {
    pub(super) fn new() -> Self {
        Self { state: StateMap::new(), limits: DEFAULT_LIMITS, closures: Vec::new(), choice: Choice::default() }
    }

    /// Gives the lifespan a value that handlers ask for as [`State<T>`](crate::State). One value for each type: a later one
    /// replaces an earlier one.
    pub fn state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.state.insert(TypeId::of::<T>(), Arc::new(value));
        self
    }

    /// Adds a closure as a handler of all events of type `E`. What it returns is dispatched in turn.
    ///
    /// Closures run with the handlers of `order = 0`, after the declared ones.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::{Event, Lifespan};
    /// use std::sync::Arc;
    ///
    /// #[derive(Event)]
    /// struct CatFed {
    ///     fish: u32,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), events::Error> {
    /// let (seen, mut fish) = tokio::sync::mpsc::unbounded_channel();
    /// let app = Lifespan::builder()
    ///     .on(move |event: Arc<CatFed>| {
    ///         let seen = seen.clone();
    ///         async move { seen.send(event.fish) }
    ///     })
    ///     .start()
    ///     .await?;
    /// app.dispatch(CatFed { fish: 2 })?;
    /// app.shutdown().await?;
    /// assert_eq!(fish.recv().await, Some(2));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn on<E, F, R>(self, handler: F) -> Self
    where
        E: Event,
        F: Fn(Arc<E>) -> R + Send + Sync + 'static,
        R: Future<Output: IntoEvents> + Send + 'static,
    {
        self.closure(None, handler)
    }

    /// Adds a closure as a handler of all events whose names match a [`Pattern`](crate::Pattern).
    #[track_caller]
    pub fn on_pattern<F, R>(self, pattern: impl Into<String>, handler: F) -> Self
    where
        F: Fn(AnyEvent) -> R + Send + Sync + 'static,
        R: Future<Output: IntoEvents> + Send + 'static,
    {
        self.closure(Some(pattern.into()), handler)
    }

    #[track_caller]
    fn closure<A, F, R>(mut self, pattern: Option<String>, handler: F) -> Self
    where
        A: EventArg,
        F: Fn(A) -> R + Send + Sync + 'static,
        R: Future<Output: IntoEvents> + Send + 'static,
    {
        let site = Site::of_closure(Location::caller());
        self.closures.push(ClosureHandler::new(site, A::ACCEPTS, pattern, move |context| {
            // The closure is called here, so that its future need not borrow it.
            let called = A::from_context(&context).map(&handler);
            Box::pin(async move { called?.await.finish() })
        }));
        self
    }

    /// Leaves out one function, a handler, hook or periodic one, by its path: `my_app::billing::charge`. A path that this
    /// binary does not have is a start error.
    pub fn without(mut self, path: impl Into<String>) -> Self {
        self.choice.without.push(path.into());
        self
    }

    /// Leaves out the functions of a `group`. A group that this binary does not have is a start error.
    pub fn without_group(mut self, group: impl Into<String>) -> Self {
        self.choice.without_groups.push(group.into());
        self
    }

    /// Leaves out the functions of every other `group` than these. Functions without a group stay.
    pub fn only_groups(mut self, groups: impl IntoIterator<Item: Into<String>>) -> Self {
        self.choice.only_groups.get_or_insert_default().extend(groups.into_iter().map(Into::into));
        self
    }

    /// How many handlers may stand between an event and the one that its chain began with. Past it, `dispatch` answers
    /// [`TooDeep`](crate::DispatchError::TooDeep). The default is 64.
    pub fn max_hops(mut self, hops: u32) -> Self {
        self.limits.max_hops = hops;
        self
    }

    /// How many events may wait for their delivery at a time, in all scopes and chains together. Past it, `dispatch` answers
    /// [`Full`](crate::DispatchError::Full). The default is 65,536.
    pub fn max_pending(mut self, events: usize) -> Self {
        self.limits.max_pending = events;
        self
    }

    /// How many `async` and `blocking` handlers may be at work at a time; at least 1. Past it, deliveries wait for a place.
    /// A delivery that a handler waits for itself, through `deliver` or a scope of its own, needs none. The default is 1024.
    pub fn max_at_work(mut self, handlers: usize) -> Self {
        self.limits.max_at_work = handlers.clamp(1, tokio::sync::Semaphore::MAX_PERMITS);
        self
    }

    /// How long [`shutdown`](Lifespan::shutdown) waits for handlers before it aborts them. The default is 30 seconds.
    pub fn shutdown_deadline(mut self, deadline: Duration) -> Self {
        self.limits.shutdown_deadline = deadline;
        self
    }

    /// Tells `callback` whenever something that was [timed](fn@crate::timed) in the lifespan has ended; once for each tree. A
    /// later callback replaces an earlier one.
    ///
    /// It is called where the work has ended, and should be short. Its panic goes no further than the log.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::{Lifespan, timed};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), events::Error> {
    /// let app = Lifespan::builder().on_timing(|timing| println!("{timing}")).start().await?;
    /// app.scope(timed("request", async { /* .. */ })).await;
    /// # app.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_timing(self, callback: impl Fn(&Timing) + Send + Sync + 'static) -> Self {
        self.state(OnTiming::new(callback))
    }

    /// Checks everything that this binary declares, runs the startup hooks in order, and answers the running lifespan, bound
    /// to the current tokio runtime.
    ///
    /// What startup hooks dispatch is delivered once the start is complete. A start that fails undoes what it has begun: the
    /// shutdown hooks run, the last one first, and what was dispatched is dropped, which is logged.
    ///
    /// # Errors
    ///
    /// [`StartError`], with everything that was found.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the lifespan as [`Lifespan::abort`] does.
    pub async fn start(self) -> Result<Lifespan, StartError> {
        super::start::start(self).await
    }
}

impl fmt::Debug for LifespanBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LifespanBuilder")
            .field("limits", &self.limits)
            .field("closures", &self.closures.len())
            .field("choice", &self.choice)
            .finish_non_exhaustive()
    }
}
