//! The beginning of a lifespan: what it is given, and what is chosen.

use std::any::{TypeId, type_name};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::choice::{Choice, Named};
use super::core::{Limits, StateMap};
use super::{Lifespan, StartError};
use crate::any::AnyEvent;
use crate::emit::IntoEvents;
use crate::event::Event;
use crate::extract::EventArg;
use crate::handler::ClosureHandler;
use crate::place::{Place, Site};
use crate::provider::{Provider, Replacement, Replacements};
use crate::seam::Seam;
use crate::sink::{IntoSink, Outlet, Outlets};
use crate::source::{Inlet, IntoSource};
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
    pub(super) replacements: Replacements,
    pub(super) outlets: Outlets,
    pub(super) inlets: Vec<Arc<Inlet>>,
    pub(super) origin: Option<String>,
    pub(super) disabled: Option<bool>,
    pub(crate) seam: Seam,
}

impl LifespanBuilder {
    pub(super) fn new() -> Self {
        Self {
            state: StateMap::new(),
            limits: DEFAULT_LIMITS,
            closures: Vec::new(),
            choice: Choice::default(),
            replacements: Replacements::default(),
            outlets: Outlets::default(),
            inlets: Vec::new(),
            origin: None,
            disabled: None,
            seam: Seam::default(),
        }
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
        self.closures.push(ClosureHandler::new(site, A::ACCEPTS, pattern, R::Output::declare, move |context| {
            // The closure is called here, so that its future need not borrow it.
            let called = A::from_context(&context).map(&handler);
            Box::pin(async move { called?.await.finish() })
        }));
        self
    }

    /// Sends the events whose names match a [`Pattern`](crate::Pattern) to a [`Sink`](crate::Sink), with
    /// [settings](crate::SinkExt) or without. Events that have no JSON, and would match, are a start error.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::{Envelope, Event, Lifespan, SinkExt as _, dispatch};
    ///
    /// #[derive(Event, serde::Serialize)]
    /// struct CatFed {
    ///     fish: u32,
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), events::Error> {
    /// let post = |envelope: Envelope| async move {
    ///     println!("POST /{} {} bytes", envelope.name(), envelope.payload().len());
    ///     Ok::<_, std::io::Error>(())
    /// };
    /// let app = Lifespan::builder().sink("cat-*", post.attempts(3)).start().await?;
    /// app.scope(async { dispatch(CatFed { fish: 2 }) }).await?;
    /// app.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn sink(mut self, pattern: impl Into<String>, sink: impl IntoSink) -> Self {
        self.outlets.0.push(Outlet::new(Site::of_sink(Location::caller()), pattern.into(), sink));
        self
    }

    /// Has events come in from a [`Source`](crate::Source), with [settings](crate::SourceExt) or without. It is connected when
    /// the start is complete, and no start waits for it.
    #[track_caller]
    pub fn source(mut self, source: impl IntoSource) -> Self {
        let site = Site::of_source(Location::caller());
        self.inlets.push(Arc::new(Inlet::new(site, self.inlets.len(), source)));
        self
    }

    /// Says where the lifespan's events come from, in the envelopes that leave the process: a URI reference, as that of
    /// `CloudEvents` in `source`, or the lifespan does not start. The default is `/` and the name of the program's file.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Has `value` stand in for what a provider makes: for tests, mostly. All calls share it, and what the provider depends
    /// on is not asked for.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::{Event, Lifespan, on, provide};
    ///
    /// struct Database(&'static str);
    ///
    /// #[provide(lifespan)]
    /// async fn database() -> Result<Database, std::io::Error> {
    ///     Err(std::io::Error::other("there is none here"))
    /// }
    ///
    /// #[derive(Event)]
    /// struct CatFed;
    ///
    /// #[on]
    /// fn count(_: &CatFed, #[depends(database)] database: &Database) {
    ///     println!("into {}", database.0);
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), events::Error> {
    /// let app = Lifespan::builder().replace::<database>(Database("memory")).start().await?;
    /// # app.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn replace<P: Provider>(mut self, value: P::Value) -> Self {
        self.replacements.add(P::__declaration(), Replacement::Value(Arc::new(value)));
        self
    }

    /// Has a closure stand in for a provider. It is called where the provider would be: once at the start for a
    /// `#[provide(lifespan)]`, else for each call that asks for the value.
    pub fn replace_with<P: Provider>(mut self, make: impl Fn() -> P::Value + Send + Sync + 'static) -> Self {
        self.replacements.add(P::__declaration(), Replacement::Make(Box::new(move || Arc::new(make()))));
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

    /// Leaves out every declared function: handlers, hooks and periodic ones. [`with`](Self::with) takes single ones back, and
    /// closures stay. So a test runs with the handlers that it names, whatever else the binary declares.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::{AnyEvent, Event, Lifespan, on};
    ///
    /// #[derive(Event)]
    /// struct CatFed;
    ///
    /// #[on]
    /// async fn purr(_: &CatFed) {}
    ///
    /// #[on("*")]
    /// fn audit(_: &AnyEvent) {}
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), events::Error> {
    /// let app = Lifespan::builder().without_all().with(purr).start().await?;
    /// let delivery = app.deliver(CatFed).await?;
    /// assert_eq!(delivery.handlers(), 1);
    /// # app.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn without_all(mut self) -> Self {
        self.choice.without_all = true;
        self
    }

    /// Takes a function back that [`without_all`](Self::without_all) leaves out: the function itself, so that a new name for it
    /// breaks the build. What [`without`](Self::without) or a group leaves out stays out. A value that is no function under
    /// `#[on]` or `#[every]` is a start error.
    #[track_caller]
    pub fn with<F: 'static>(mut self, function: F) -> Self {
        drop(function);
        let place = Place::of(Location::caller());
        self.choice.with.push(Named { id: TypeId::of::<F>(), type_name: type_name::<F>(), place });
        self
    }

    /// How many handlers, and processes that send on what came to them, may stand between an event and the beginning of its chain.
    /// Past it, `dispatch` answers [`TooDeep`](crate::DispatchError::TooDeep), and sources refuse. The default is 64.
    pub fn max_hops(mut self, hops: u32) -> Self {
        self.limits.max_hops = hops;
        self
    }

    /// How many events may wait for their delivery at a time, in all scopes and chains together. Past it, `dispatch` answers
    /// [`Full`](crate::DispatchError::Full), and sources wait. The default is 65,536.
    pub fn max_pending(mut self, events: usize) -> Self {
        self.limits.max_pending = events;
        self
    }

    /// How many `async` and `blocking` handlers may be at work at a time; at least 1. Past it, deliveries wait for a place.
    /// A delivery that a handler waits for itself, through `deliver` or a scope of its own, needs none. The default is 1024.
    pub fn max_at_work(mut self, handlers: usize) -> Self {
        self.limits.max_at_work = handlers.clamp(1, super::places::Places::MOST);
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

    /// Decides whether dispatch is disabled: with `true`, events are checked as ever, and then dropped. For programs that
    /// are to run without what their events set off: a migration, a replay, a test.
    ///
    /// Nothing is different for who dispatches: what breaks its own rules, does not fit its name or comes after the
    /// lifespan's end is refused, and everything else is `Ok`. No handler runs, not the `now` ones either, and
    /// [`deliver`](crate::deliver) answers a [`Delivery`](crate::Delivery) of 0 handlers. Hooks and periodic functions run
    /// as ever. A lifespan that starts disabled warns once.
    ///
    /// Where code does not decide, the environment variable `EVENTS_DISABLE_DISPATCH` does, which is read once, at the
    /// start: `1`, `true`, `yes`, `on`, `y` and `t` disable, `0`, `false`, `no`, `off`, `n` and `f` do not, in upper or lower
    /// case, with white space around them or not. Any other value is a start error. A lifespan that runs is turned by
    /// [`Lifespan::disable_dispatch`].
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::{Event, Lifespan, deliver, on};
    ///
    /// #[derive(Event)]
    /// struct CatFed;
    ///
    /// #[on]
    /// fn bill(_: &CatFed) {
    ///     panic!("this costs money");
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), events::Error> {
    /// let app = Lifespan::builder().disable_dispatch(true).start().await?;
    /// let delivery = app.scope(async { deliver(CatFed).await }).await?;
    /// assert_eq!(delivery.handlers(), 0);
    /// # app.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn disable_dispatch(mut self, disabled: bool) -> Self {
        self.disabled = Some(disabled);
        self
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
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}
