//! Work on other tasks and threads that stays in its scope.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use tokio::task::JoinHandle;

use crate::context::{Ambient, InAmbient, Lent};
use crate::lifespan::{Lifespan, Work};

/// Why a task was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The caller stands in no scope, handler or task of a lifespan.
    #[error(
        "`spawn` was called outside of a lifespan: call it inside `lifespan.scope(..)` or a handler, or call `lifespan.spawn(..)`"
    )]
    NoLifespan,
    /// The lifespan has been shut down, or is shutting down and takes nothing from outside any more.
    #[error("the task came after the lifespan's end: it has been shut down")]
    Closed,
}

/// Spawns a task on the lifespan's runtime that stays where the caller is: its events go to the caller's scope, and to the
/// lifespan once that has ended. Shutdown waits for it, up to its deadline; a task that goes on is counted in the
/// [report](crate::ShutdownReport::unfinished), and not aborted.
///
/// # Examples
///
/// ```standalone_crate
/// use events::{Event, Lifespan, dispatch, spawn};
///
/// #[derive(Event)]
/// struct ThumbnailMade;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let app = Lifespan::builder().start().await?;
/// app.scope(async { spawn(async { dispatch(ThumbnailMade) }) }).await?;
/// app.shutdown().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`SpawnError`], when there is no lifespan to spawn it in.
pub fn spawn<F>(task: F) -> Result<JoinHandle<F::Output>, SpawnError>
where
    F: Future<Output: Send> + Send + 'static,
{
    let ambient = Ambient::current().ok_or(SpawnError::NoLifespan)?;
    let work = ambient.lifespan().begin(true).ok_or(SpawnError::Closed)?;
    Ok(start(work, ambient, task))
}

/// Runs a function on the blocking pool of the lifespan's runtime, where it stays in the caller's scope as [`spawn`] does.
///
/// # Errors
///
/// [`SpawnError`], when there is no lifespan to run it in.
pub fn spawn_blocking<F, T>(function: F) -> Result<JoinHandle<T>, SpawnError>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let ambient = Ambient::current().ok_or(SpawnError::NoLifespan)?;
    let work = ambient.lifespan().begin(true).ok_or(SpawnError::Closed)?;
    let runtime = ambient.lifespan().core().runtime.clone();
    Ok(runtime.spawn_blocking(move || {
        let _work = work;
        let mut surrounding = Some(ambient.outside_handler());
        let _lent = Lent::new(&mut surrounding);
        function()
    }))
}

fn start<F>(work: Work, ambient: Ambient, task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let runtime = ambient.lifespan().core().runtime.clone();
    runtime.spawn(async move {
        let _work = work;
        InAmbient::new(ambient.outside_handler(), task).await
    })
}

impl Lifespan {
    /// Spawns a task on the lifespan's runtime whose events go to the lifespan. Shutdown waits for it.
    ///
    /// # Errors
    ///
    /// [`SpawnError::Closed`] after the lifespan's end.
    pub fn spawn<F>(&self, task: F) -> Result<JoinHandle<F::Output>, SpawnError>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let inside = Ambient::current().is_some_and(|ambient| ambient.lifespan().is(self));
        let work = self.begin(inside).ok_or(SpawnError::Closed)?;
        Ok(start(work, Ambient::of(self.internal()), task))
    }
}

/// Carries the scope along where a future goes another way than through [`spawn`].
pub trait InScopeExt: Future + Sized {
    /// Makes the future stay in the scope around the caller, wherever it is polled. Outside of any lifespan it changes
    /// nothing.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::{Event, InScopeExt, Lifespan, dispatch};
    ///
    /// #[derive(Event)]
    /// struct PageFetched;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// let app = Lifespan::builder().start().await?;
    /// app.scope(async {
    ///     let mut tasks = tokio::task::JoinSet::new();
    ///     tasks.spawn(async { dispatch(PageFetched) }.in_scope());
    ///     tasks.join_all().await
    /// })
    /// .await;
    /// app.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    fn in_scope(self) -> InScope<Self> {
        let future = match Ambient::current() {
            Some(ambient) => InAmbient::new(ambient.outside_handler(), self),
            None => InAmbient::unsurrounded(self),
        };
        InScope { future }
    }
}

impl<F: Future> InScopeExt for F {}

pin_project_lite::pin_project! {
    /// A future that stays in the scope where [`in_scope`](InScopeExt::in_scope) was called.
    #[must_use = "futures do nothing until they are polled"]
    pub struct InScope<F> {
        #[pin]
        future: InAmbient<F>,
    }
}

impl<F: Future> Future for InScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

impl<F> std::fmt::Debug for InScope<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InScope").finish_non_exhaustive()
    }
}
