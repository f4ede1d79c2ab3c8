//! A unit of work that collects events and delivers them when it has ended.

mod handle;
mod queue;
mod spawn;

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, ready};

use crate::any::AnyEvent;
use crate::context::{Ambient, InAmbient};
use crate::delivery::{Bundle, Handover, schedule};
use crate::lifespan::{Lifespan, Work};
use crate::telemetry::{Seen, spans};
use crate::values::OwnedValues;
pub use handle::Scope;
pub use spawn::{InScope, InScopeExt, SpawnError, spawn, spawn_blocking};

/// What a scope has collected, shared with everything that stands in it.
#[derive(Debug)]
pub(crate) struct ScopeQueue {
    lifespan: Lifespan,
    queue: queue::Queue<AnyEvent>,
}

impl ScopeQueue {
    pub(crate) fn new(lifespan: &Lifespan) -> Self {
        Self { lifespan: lifespan.internal(), queue: queue::Queue::default() }
    }

    pub(crate) fn lifespan(&self) -> &Lifespan {
        &self.lifespan
    }
}

impl Deref for ScopeQueue {
    type Target = queue::Queue<AnyEvent>;

    fn deref(&self) -> &Self::Target {
        &self.queue
    }
}

/// Events on their way together.
pub(crate) type Events = queue::Events<AnyEvent>;

/// A scope while its work goes on. Dropped before the end, it hands what it has collected to the lifespan.
#[derive(Debug)]
pub(crate) struct OpenScope {
    /// Absent where it collects nothing any more. The lifespan's end waits for it.
    queue: Option<Arc<ScopeQueue>>,
    seen: Seen,
}

impl OpenScope {
    /// Opens a scope; in a lifespan that has ended it collects nothing.
    pub(crate) fn new(lifespan: &Lifespan) -> Self {
        let queue = lifespan.core().gate.enter(true).then(|| Arc::new(ScopeQueue::new(lifespan)));
        Self { queue, seen: spans::scope(lifespan) }
    }

    /// Has its span surround the caller until the guard is dropped.
    pub(crate) fn enter_span(&self) -> Option<tracing::span::Entered<'_>> {
        self.seen.enter()
    }

    /// What surrounds the scope's work.
    pub(crate) fn ambient(&self, lifespan: &Lifespan) -> Ambient {
        let own = match &self.queue {
            Some(queue) => Ambient::in_scope(Arc::clone(queue)),
            None => Ambient::of(lifespan.internal()),
        };
        own.inside_current()
    }

    /// Gives the scope a value of its own.
    #[cfg(feature = "tower")]
    pub(crate) fn insert<T: Send + Sync + 'static>(&self, value: T) {
        if let Some(queue) = &self.queue {
            queue.insert(value);
        }
    }

    /// Ends the collecting: answers what is to be delivered, if anything is.
    pub(crate) fn close(&mut self) -> Option<Bundle> {
        let queue = self.queue.take()?;
        let taken = queue.close();
        let values = OwnedValues::of_scope(&queue, taken.has_values);
        let work = Work::of_scope(queue);
        if taken.events.is_empty() {
            return None;
        }
        Some(Bundle::of_scope(work, taken.events, values, std::mem::take(&mut self.seen)))
    }

    /// Ends the scope and forgets what it has collected.
    pub(crate) fn discard(&mut self) {
        if let Some(queue) = self.queue.take() {
            let work = Work::of_scope(Arc::clone(&queue));
            work.lifespan().core().forget(&queue.close().events);
        }
    }
}

impl Drop for OpenScope {
    fn drop(&mut self) {
        if let Some(bundle) = self.close() {
            schedule(bundle);
        }
    }
}

/// What a scope does with its events when its work has failed: returned an `Err`, or panicked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// They are delivered as if it had succeeded.
    #[default]
    Deliver,
    /// They are forgotten.
    Discard,
}

pin_project_lite::pin_project! {
    /// A scope and the work in it: the future that [`Lifespan::scope`] answers.
    #[must_use = "a scope does nothing until it is awaited"]
    pub struct Scoped<F: Future> {
        // The work is dropped before the scope, so that its destructors may dispatch into it.
        #[pin]
        work: InAmbient<F>,
        lifespan: Lifespan,
        opening: Option<Box<dyn FnOnce(&ScopeQueue) + Send>>,
        is_error: Option<fn(&F::Output) -> bool>,
        open: Option<OpenScope>,
        delivering: Option<(Handover, std::thread::Result<F::Output>)>,
    }
}

impl<F: Future> Scoped<F> {
    /// Gives the scope a value of its own: [`State<T>`](crate::State) and [`Scope::value`] find it before that of the lifespan.
    pub fn value<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        let before = self.opening.take();
        self.opening = Some(Box::new(move |queue| {
            if let Some(before) = before {
                before(queue);
            }
            queue.insert(value);
        }));
        self
    }
}

impl<T, X, F: Future<Output = Result<T, X>>> Scoped<F> {
    /// Decides what becomes of the events of work that has failed. The default delivers them.
    pub fn on_error(mut self, policy: OnError) -> Self {
        self.is_error = match policy {
            OnError::Deliver => None,
            OnError::Discard => Some(Result::is_err),
        };
        self
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if this.delivering.is_none() {
            let open = this.open.get_or_insert_with(|| {
                let open = OpenScope::new(this.lifespan);
                this.work.as_mut().surround(open.ambient(this.lifespan));
                if let (Some(opening), Some(queue)) = (this.opening.take(), &open.queue) {
                    opening(queue);
                }
                open
            });
            let entered = open.enter_span();
            let polled = catch_unwind(AssertUnwindSafe(|| this.work.as_mut().poll(cx)));
            drop(entered);
            let output = match polled {
                Ok(polled) => Ok(ready!(polled)),
                Err(panic) => {
                    this.work.as_mut().end();
                    Err(panic)
                }
            };
            let failed = this.is_error.is_some_and(|is_error| output.as_ref().map_or(true, is_error));
            if failed {
                open.discard();
            }
            match open.close().and_then(|bundle| Handover::of_rest(bundle, cx)) {
                Some(handover) => *this.delivering = Some((handover, output)),
                None => return Poll::Ready(unwrapped(output)),
            }
        }
        if let Some((handover, _)) = this.delivering {
            // Whoever waits for the scope asks for the work's answer; failures have been reported.
            let _delivery = ready!(Pin::new(handover).poll(cx));
        }
        match this.delivering.take() {
            Some((_, output)) => Poll::Ready(unwrapped(output)),
            None => Poll::Pending,
        }
    }
}

fn unwrapped<T>(output: std::thread::Result<T>) -> T {
    output.unwrap_or_else(|panic| resume_unwind(panic))
}

impl<F: Future> fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped").field("lifespan", &self.lifespan).finish_non_exhaustive()
    }
}

impl Lifespan {
    /// Runs `work`, then delivers the events that it dispatched, and answers what `work` answered.
    ///
    /// [`dispatch`](crate::dispatch) inside `work` queues, in order. The delivery begins when `work` has ended, whether it
    /// returned, failed or panicked, and the scope waits for it; neither a handler's failure nor its panic changes the
    /// answer. What the handlers dispatch belongs to the lifespan, and the scope does not wait for it. Scopes nest: the
    /// innermost one owns the event.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use events::{Event, Lifespan, OnError, dispatch};
    ///
    /// #[derive(Event)]
    /// struct OrderPlaced(u64);
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), events::Error> {
    /// let app = Lifespan::builder().start().await?;
    /// let answer = app
    ///     .scope(async {
    ///         dispatch(OrderPlaced(7))?; // queued
    ///         Ok::<_, events::DispatchError>("201 Created")
    ///     })
    ///     .on_error(OnError::Discard)
    ///     .await?; // delivered
    /// assert_eq!(answer, "201 Created");
    /// app.shutdown().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// When `work` panics, once its events have been delivered.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops `work` and loses no event: what it has dispatched is delivered by the lifespan, and so is
    /// the rest of a delivery that had begun.
    pub fn scope<F: Future>(&self, work: F) -> Scoped<F> {
        Scoped {
            work: InAmbient::unsurrounded(work),
            lifespan: self.again(),
            opening: None,
            is_error: None,
            open: None,
            delivering: None,
        }
    }
}
