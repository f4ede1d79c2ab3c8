//! What a provider leaves to be done when its value is not needed any more.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;

use crate::emit::IntoEvents;
use crate::handler::Outcome;

/// How that ended which a value was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The handler did its work; the lifespan was started.
    Succeeded,
    /// The handler, or another provider of the call, failed, panicked or took too long; the lifespan was not started.
    Failed,
}

type Work = Box<dyn FnOnce(Ending) -> BoxFuture<'static, Outcome> + Send>;

/// Lets a provider say what is to be done when its value is not needed any more: a parameter of providers.
///
/// The work runs once the handler has ended, whether it succeeded, failed, panicked or took too long, and is told which; for
/// a `#[provide(lifespan)]`, once the last event has been delivered and the shutdown hooks have run. Of several providers,
/// the last one's comes first. The delivery waits for it. An error of the work is a `Failure` of the handler, unless the
/// handler itself has failed: then the log has it. Nothing waits for a `now` handler: the lifespan finishes what is left, and
/// shutdown waits for that; its `Failure` has the name of the provider.
///
/// What the work dispatches is delivered in turn, but for that of a lifespan provider: it comes after the last event, and is
/// refused as [`Closed`](crate::DispatchError::Closed).
///
/// What the handler returns and dispatches does not wait for it: such events may be handled before the work is done, and
/// stay where it fails. So a commit that an event tells of does not belong here. Let the handler take the transaction by
/// value, and commit it before it returns the event; a transaction that undoes itself where it is dropped needs no teardown.
///
/// When the lifespan is forced to end, handlers are aborted: values are dropped then, and the work of calls is not done.
/// Lifespan providers have what the shutdown's deadline leaves for all of their work, and at least one second.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{Ending, Event, Lifespan, Teardown, on, provide};
///
/// struct Oven(u32);
///
/// #[provide]
/// async fn oven(teardown: Teardown) -> Oven {
///     teardown.register(async |ending| match ending {
///         Ending::Succeeded => println!("give the oven back"),
///         Ending::Failed => println!("clean the oven, and give it back"),
///     });
///     Oven(7)
/// }
///
/// #[derive(Event)]
/// struct CatFed;
///
/// #[on]
/// async fn bake(_: &CatFed, #[depends(oven)] oven: &Oven) {
///     println!("in oven {}", oven.0);
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), events::Error> {
/// let app = Lifespan::builder().start().await?;
/// app.dispatch(CatFed)?;
/// app.shutdown().await?;
/// # Ok(())
/// # }
/// ```
pub struct Teardown {
    slot: Arc<Slot>,
}

impl Teardown {
    /// Registers the work. It may be called later than in the provider, by the value that takes the `Teardown` along, but not
    /// after the handler has ended: then the work is dropped, and the log says so.
    ///
    /// What the work answers is `()`, or a `Result`, or events, as of a handler.
    pub fn register<F, R>(self, work: F)
    where
        F: FnOnce(Ending) -> R + Send + 'static,
        R: Future<Output: IntoEvents> + Send + 'static,
    {
        self.slot.fill(Box::new(|ending| Box::pin(async move { work(ending).await.finish() })));
    }
}

impl fmt::Debug for Teardown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Teardown").finish_non_exhaustive()
    }
}

/// Room for the work of one provider.
#[derive(Default)]
pub(super) struct Slot(Mutex<State>);

#[derive(Default)]
enum State {
    #[default]
    Empty,
    Registered(Work),
    Over,
}

impl Slot {
    pub(super) fn handle(self: &Arc<Self>) -> Teardown {
        Teardown { slot: Arc::clone(self) }
    }

    fn fill(&self, work: Work) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Over = *state {
            drop(state);
            tracing::error!(target: "events", "a teardown was registered after the call that it belongs to: it is not done");
        } else {
            *state = State::Registered(work);
        }
    }

    /// Takes the work out, for good.
    pub(super) fn close(&self) -> Option<Work> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Over) {
            State::Registered(work) => Some(work),
            State::Empty | State::Over => None,
        }
    }
}
