//! A unit of work that collects events and delivers them when it has ended.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use crate::any::AnyEvent;
use crate::context::{Ambient, InAmbient};
use crate::delivery::{Batch, Handover, schedule};
use crate::lifespan::{Lifespan, Work};

/// What a scope has collected; `None` once the scope has ended.
#[derive(Debug)]
pub(crate) struct ScopeQueue(Mutex<Option<Vec<AnyEvent>>>);

impl ScopeQueue {
    fn new() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<AnyEvent>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.lock().is_some()
    }

    /// Queues an event, or gives it back when the scope has ended.
    pub(crate) fn push(&self, event: AnyEvent) -> Result<(), AnyEvent> {
        match &mut *self.lock() {
            Some(events) => {
                events.push(event);
                Ok(())
            }
            None => Err(event),
        }
    }

    fn close(&self) -> Vec<AnyEvent> {
        self.lock().take().unwrap_or_default()
    }
}

/// A scope while its work goes on. Dropped before the end, it hands what it has collected to the lifespan.
struct OpenScope {
    queue: Arc<ScopeQueue>,
    work: Option<Work>,
}

impl OpenScope {
    fn close(&mut self) -> Option<Batch> {
        let events = self.queue.close();
        let work = self.work.take()?;
        (!events.is_empty()).then(|| Batch::new(work, events))
    }
}

impl Drop for OpenScope {
    fn drop(&mut self) {
        if let Some(batch) = self.close() {
            schedule(batch);
        }
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
    /// use events::{Event, Lifespan, dispatch};
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
    pub async fn scope<F: Future>(&self, work: F) -> F::Output {
        let mut scope = OpenScope { queue: Arc::new(ScopeQueue::new()), work: self.begin(true) };
        let surrounding = Ambient::current();
        let ambient = Ambient {
            scope: scope.work.is_some().then(|| Arc::clone(&scope.queue)),
            cause: surrounding.and_then(|ambient| ambient.cause),
            ..Ambient::of(self.clone())
        };
        let output = {
            let mut work = pin!(InAmbient::new(ambient, work));
            poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
                Ok(poll) => poll.map(Ok),
                Err(panic) => Poll::Ready(Err(panic)),
            })
            .await
        };
        if let Some(batch) = scope.close() {
            // Whoever waits for the scope asks for the work's answer; failures have been reported.
            let _delivery = Handover::new(batch).await;
        }
        match output {
            Ok(output) => output,
            Err(panic) => resume_unwind(panic),
        }
    }
}
