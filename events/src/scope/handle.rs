//! A scope as its own work sees it.

use std::fmt;
use std::sync::Arc;

use super::ScopeQueue;
use crate::context::Ambient;
use crate::delivery::{Bundle, Delivery, Handover};
use crate::lifespan::Lifespan;
use crate::params::State;
use crate::telemetry::Seen;
use crate::values::OwnedValues;

/// The scope that the caller's work is in: for work that lives long, and for values that go with it.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{Event, Lifespan, Scope, dispatch};
///
/// #[derive(Event)]
/// struct MessageReceived;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), events::Error> {
/// let app = Lifespan::builder().start().await?;
/// app.scope(async {
///     let scope = Scope::current().expect("there is one around");
///     for _ in 0..3 {
///         dispatch(MessageReceived)?;
///         scope.flush().await; // a socket may stay open for hours
///     }
///     Ok::<_, events::DispatchError>(())
/// })
/// .await?;
/// app.shutdown().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Scope {
    queue: Arc<ScopeQueue>,
}

impl Scope {
    /// The innermost scope around the caller; none in handlers and hooks, which dispatch to the lifespan, and none once the
    /// scope has ended.
    pub fn current() -> Option<Self> {
        let ambient = Ambient::current()?;
        let queue = ambient.into_scope().filter(|queue| queue.is_open())?;
        Some(Self { queue })
    }

    /// Delivers what has been collected so far, and waits for the handlers. The scope goes on collecting.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: the lifespan finishes the delivery.
    pub async fn flush(&self) -> Delivery {
        let taken = self.queue.take();
        let values = OwnedValues::of_scope(&self.queue, taken.has_values);
        match self.lifespan().begin(true) {
            Some(work) if !taken.events.is_empty() => {
                Handover::new(Bundle::of_scope(work, taken.events, values, Seen::default())).await
            }
            Some(_) => Delivery::default(),
            None => {
                self.lifespan().core().settle(&taken.events, 0);
                Delivery::default()
            }
        }
    }

    /// Forgets what has been collected so far, and answers how many events that were. The scope goes on collecting.
    pub fn discard(&self) -> usize {
        let events = self.queue.take().events;
        self.lifespan().core().forget(&events);
        events.len()
    }

    /// Gives the scope a value: [`State<T>`] in the handlers of its events, and [`value`](Self::value), find it before that of
    /// the lifespan. No other scope sees it.
    pub fn insert<T: Send + Sync + 'static>(&self, value: T) {
        self.queue.insert(value);
    }

    /// The scope's value of type `T`, or that of the lifespan where the scope has none.
    pub fn value<T: Send + Sync + 'static>(&self) -> Option<State<T>> {
        self.queue.value().or_else(|| self.lifespan().core().state()).map(State)
    }

    /// The lifespan that the scope is in.
    pub fn lifespan(&self) -> &Lifespan {
        self.queue.lifespan()
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("lifespan", self.lifespan()).finish_non_exhaustive()
    }
}
