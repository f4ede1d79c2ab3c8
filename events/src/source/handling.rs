//! Where messages are handled, and how many at a time.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;

use crate::call::polled;
use crate::lifespan::Lifespan;

/// As many messages as may be handled at a time. They are those of the source: a connection that is made again has what those
/// have left that are still at work for the one before.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    all: usize,
}

impl Places {
    pub(super) fn new(all: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(all)), all }
    }

    pub(super) fn all(&self) -> usize {
        self.all
    }
}

/// Where messages are handled: by the task that reads them, as far as they go without waiting, if no other thread could do
/// more; what waits has a task of its own.
pub(super) struct Handling<'a, F> {
    runtime: Handle,
    is_here: bool,
    /// The reader alone takes them, for what has a task.
    places: &'a Places,
    /// Used again by the next message, where the last one did not wait.
    here: Pin<Box<Option<F>>>,
}

impl<'a, F: Future<Output = ()> + Send + 'static> Handling<'a, F> {
    pub(super) fn new(lifespan: &Lifespan, places: &'a Places) -> Self {
        let runtime = lifespan.core().runtime.clone();
        let is_here = places.all == 1 || runtime.runtime_flavor() == RuntimeFlavor::CurrentThread;
        Self { runtime, is_here, places, here: Box::pin(None) }
    }

    /// Whether as many messages are handled as may be.
    pub(super) fn is_full(&self) -> bool {
        self.places.free.available_permits() == 0
    }

    /// Waits until another message may be handled.
    pub(super) async fn room(&mut self) {
        let _place = self.places.free.acquire().await;
    }

    pub(super) async fn begin(&mut self, handle: impl FnOnce() -> F) {
        if !self.is_here {
            return self.spawn(handle());
        }
        self.here.set(Some(handle()));
        let Some(handled) = self.here.as_mut().as_pin_mut() else { return };
        if polled(handled).await.is_ready() {
            return;
        }
        let mut waits = std::mem::replace(&mut self.here, Box::pin(None));
        self.spawn(poll_fn(move |cx| match waits.as_mut().as_pin_mut() {
            Some(handled) => handled.poll(cx),
            None => Poll::Ready(()),
        }));
    }

    fn spawn(&self, handled: impl Future<Output = ()> + Send + 'static) {
        let place = Arc::clone(&self.places.free).try_acquire_owned();
        self.runtime.spawn(async move {
            handled.await;
            drop(place);
        });
    }

    /// Waits until no message is handled.
    pub(super) async fn end(&mut self) {
        let all = u32::try_from(self.places.all).unwrap_or(u32::MAX);
        let _places = self.places.free.acquire_many(all).await;
    }
}
