//! One run of an application: startup, serving, shutdown.

#[cfg(feature = "testing")]
mod alone;
mod builder;
mod check;
mod choice;
mod core;
mod flow;
mod gate;
mod health;
mod here;
mod hold;
mod hooks;
mod kept;
mod numbers;
mod periodic;
mod places;
mod room;
mod shutdown;
mod start;
mod stripes;
mod switch;
mod work;

use std::fmt;
use std::sync::Arc;

use crate::params::State;
use hold::Hold;

pub use builder::LifespanBuilder;
pub use check::{StartError, StartFinding};
pub(crate) use core::Core;
pub(crate) use health::{Attempts, Connection};
pub use health::{Health, LastError, SinkHealth, SourceHealth};
pub(crate) use places::{Held, Take};
pub use shutdown::{ShutdownError, ShutdownReport};
pub(crate) use switch::environment_disables;
pub(crate) use work::Work;

/// One run of an application, in which events are dispatched and handlers run.
///
/// It is a cheap handle: clones speak of the same run. A lifespan is bound to the tokio runtime that started it; its
/// handlers run there, also for what is dispatched from elsewhere. Any number of lifespans may live in one process, and
/// they share nothing but the declarations.
///
/// It is also a parameter of handlers.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{Event, Lifespan, dispatch, on};
///
/// #[derive(Event)]
/// struct CatFed {
///     fish: u32,
/// }
///
/// #[on]
/// async fn purr(event: &CatFed) {
///     println!("{} times", event.fish);
/// }
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), events::Error> {
///     let app = Lifespan::builder().start().await?;
///     app.scope(async { dispatch(CatFed { fish: 2 }) }).await?;
///     app.shutdown().await?;
///     Ok(())
/// }
/// ```
pub struct Lifespan(Hold);

impl Lifespan {
    /// Begins the description of a lifespan.
    pub fn builder() -> LifespanBuilder {
        LifespanBuilder::new()
    }

    /// The value of type `T` that the lifespan was started with.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::Lifespan;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), events::Error> {
    /// let app = Lifespan::builder().state(7_u32).start().await?;
    /// assert_eq!(app.state::<u32>().as_deref(), Some(&7));
    /// assert!(app.state::<String>().is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<State<T>> {
        self.core().state().map(State)
    }

    fn new(core: Core) -> Self {
        Self(Hold::first(core))
    }

    /// The same handle once more, for the crate's own use beside the user's: it is cheaper than a clone, and counted where the
    /// user's is.
    pub(crate) fn again(&self) -> Self {
        Self(self.0.again())
    }

    /// A handle that does not keep the lifespan from ending.
    pub(crate) fn internal(&self) -> Self {
        Self(self.0.internal())
    }

    #[inline]
    pub(crate) fn core(&self) -> &Core {
        self.0.core()
    }

    /// Whether both handles speak of the same run.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(self.0.core(), other.0.core())
    }

    /// Whether events from outside are taken.
    pub(crate) fn is_open(&self) -> bool {
        self.core().gate.is_open()
    }

    /// Registers work that shutdown waits for; `None` when it is too late for it.
    pub(crate) fn begin(&self, inside: bool) -> Option<Work> {
        self.core().gate.enter(inside).then(|| Work::new(self.internal()))
    }
}

/// A clone is counted for itself: threads that have one each do not wait for each other.
impl Clone for Lifespan {
    fn clone(&self) -> Self {
        Self(self.0.another())
    }
}

impl fmt::Debug for Lifespan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lifespan").field("id", &format_args!("{:016x}", self.core().id)).finish_non_exhaustive()
    }
}
