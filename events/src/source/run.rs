//! Keeps a source connected, and its messages coming.

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, select};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::handle::bounded;
use super::settings::{Name, Settings};
use super::{Incoming, IntoSource, Source, SourceError};
use crate::call::{caught, polled};
use crate::flow::SourcePart;
use crate::format::Message;
use crate::lifespan::{Connection, Lifespan, SourceHealth};
use crate::place::Site;
use crate::telemetry::{Destination, SourceMeters};

/// A source whose type is forgotten.
trait AnySource: Send + Sync {
    fn connect(&self, prefetch: usize) -> BoxFuture<'_, Result<Box<dyn AnyIncoming>, SourceError>>;
    fn destination(&self, message: &Message) -> Destination;
}

/// Why a connection is lost; or, at the lifespan's end, why it could not be closed, if so.
type Ended = Result<Option<String>, SourceError>;

/// A connection whose type is forgotten.
trait AnyIncoming: Send {
    fn read(self: Box<Self>, inlet: Arc<Inlet>, lifespan: Lifespan) -> BoxFuture<'static, Ended>;
}

impl<S: Source> AnySource for S {
    fn connect(&self, prefetch: usize) -> BoxFuture<'_, Result<Box<dyn AnyIncoming>, SourceError>> {
        Box::pin(async move {
            let incoming: Box<dyn AnyIncoming> = Box::new(Source::connect(self, prefetch).await?);
            Ok(incoming)
        })
    }

    fn destination(&self, message: &Message) -> Destination {
        // A trace is no reason to fail.
        catch_unwind(AssertUnwindSafe(|| Source::destination(self, message))).unwrap_or_default()
    }
}

impl<I: Incoming> AnyIncoming for I {
    fn read(self: Box<Self>, inlet: Arc<Inlet>, lifespan: Lifespan) -> BoxFuture<'static, Ended> {
        Box::pin(async move { inlet.read(*self, &lifespan).await })
    }
}

/// A source of a lifespan.
pub(crate) struct Inlet {
    pub(crate) site: Site,
    pub(crate) address: Arc<str>,
    /// What spans and metrics call it.
    pub(crate) label: Arc<str>,
    source: Box<dyn AnySource>,
    pub(super) settings: Settings,
    pub(super) meters: SourceMeters,
    connection: Connection,
    /// Whether a message was settled since this was last asked.
    pub(super) has_settled: AtomicBool,
}

impl Inlet {
    pub(crate) fn new(site: Site, source: impl IntoSource) -> Self {
        let (source, settings) = source.into_parts().split();
        let (address, label) = (source.address().into(), source.label());
        let (meters, connection) = (SourceMeters::new(&label), Connection::default());
        let (label, source, has_settled) = (label.into(), Box::new(source), AtomicBool::new(false));
        Self { site, address, label, source, settings, meters, connection, has_settled }
    }

    /// Where a message has come from, for those who look at its trace.
    pub(super) fn destination(&self, message: &Message) -> Destination {
        self.source.destination(message)
    }

    pub(crate) fn health(&self) -> SourceHealth {
        SourceHealth::new(&self.label, &self.connection)
    }

    pub(crate) fn part(&self) -> SourcePart {
        let name = match &self.settings.name {
            Name::Fixed(name) => Some(name.to_string()),
            Name::Format | Name::Header(_) => None,
        };
        SourcePart { site: self.site, label: self.label.to_string(), name }
    }

    /// How many messages are handled at a time at most.
    pub(crate) fn under_way(&self) -> usize {
        self.settings.concurrency.min(self.settings.prefetch)
    }

    /// Reads until the lifespan ends, over one connection after another; answers what could not be closed then.
    pub(crate) async fn run(self: Arc<Self>, lifespan: Lifespan) -> Option<String> {
        let mut attempt = 0;
        let mut pauses = self.settings.backoff.pauses();
        loop {
            let connecting = caught(self.source.connect(self.settings.prefetch));
            let connected = before_end(&lifespan, connecting).await?;
            let error = match connected {
                Ok(Ok(incoming)) => {
                    attempt = 0;
                    self.connection.made();
                    self.meters.connected(true);
                    let begun = Instant::now();
                    let read = incoming.read(Arc::clone(&self), lifespan.internal());
                    match read.await {
                        Ok(unclosed) => {
                            self.meters.connected(false);
                            return unclosed;
                        }
                        Err(error) => {
                            // One that was of no use, as where the first message breaks it, is no reason to hurry.
                            if self.has_settled.swap(false, Ordering::Relaxed) || pauses.are_shorter(begun.elapsed()) {
                                pauses = self.settings.backoff.pauses();
                            }
                            error
                        }
                    }
                }
                Ok(Err(error)) => error,
                Err(panic) => SourceError::new(panic.to_string()),
            };
            attempt += 1;
            self.tell(&error, attempt);
            if error.is_permanent()
                || before_end(&lifespan, pauses.pause_of(error.retry_after().unwrap_or_default())).await.is_none()
            {
                return None;
            }
        }
    }

    /// Reads over one connection.
    async fn read(self: &Arc<Self>, mut incoming: impl Incoming, lifespan: &Lifespan) -> Ended {
        let mut draining = pin!(lifespan.core().gate.draining());
        let mut handling = Handling::new(lifespan, self.under_way());
        let lost = loop {
            // Handlers that never wait must not keep the thread from other tasks.
            tokio::task::consume_budget().await;
            if handling.is_full() && before(draining.as_mut(), pin!(handling.room())).await.is_none() {
                break None;
            }
            match before(draining.as_mut(), pin!(caught(async { incoming.next().await }))).await {
                Some(Ok(Ok(received))) => {
                    let Some(work) = lifespan.begin(false) else { break None };
                    let inlet = Arc::clone(self);
                    handling.begin(|| inlet.handle(work, received)).await;
                }
                Some(Ok(Err(error))) => break Some(error),
                Some(Err(panic)) => break Some(SourceError::new(panic.to_string())),
                None => break None,
            }
        };
        match lost {
            Some(error) => Err(error),
            None => {
                // What is under way is settled over this connection.
                handling.end().await;
                Ok(self.close(incoming).await)
            }
        }
    }

    async fn close(&self, incoming: impl Incoming) -> Option<String> {
        let error = bounded(incoming.close()).await.err()?.error;
        tracing::error!(target: "events", source = &*self.address, error = %error, "a source could not be closed");
        Some(format!("{} could not be closed: {error}", self.site))
    }

    fn tell(&self, error: &SourceError, attempt: u32) {
        self.connection.lost(error);
        self.meters.connected(false);
        self.meters.lost();
        tracing::warn!(
            target: "events",
            source = &*self.address,
            attempt,
            error = %error,
            "a source is not connected, and {}",
            if error.is_permanent() { "has ended: it is not tried again" } else { "will be tried again" },
        );
        if let Some(told) = &self.settings.on_attempt
            && catch_unwind(AssertUnwindSafe(|| told(error, attempt))).is_err()
        {
            tracing::error!(target: "events", source = &*self.address, "`on_attempt` of a source panicked");
        }
    }
}

/// Waits, but not past the moment when the lifespan takes nothing more.
async fn before_end<T>(lifespan: &Lifespan, work: impl Future<Output = T>) -> Option<T> {
    before(pin!(lifespan.core().gate.draining()), pin!(work)).await
}

async fn before<F: Future>(end: Pin<&mut impl Future<Output = ()>>, work: Pin<&mut F>) -> Option<F::Output> {
    match select(work, end).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

/// Where messages are handled: by the task that reads them, as far as they go without waiting, if no other thread could do
/// more; what waits has a task of its own.
struct Handling<F> {
    runtime: Handle,
    is_here: bool,
    /// As many as may be handled at a time. The reader alone takes them, for what has a task.
    places: Arc<Semaphore>,
    under_way: usize,
    /// Used again by the next message, where the last one did not wait.
    here: Pin<Box<Option<F>>>,
}

impl<F: Future<Output = ()> + Send + 'static> Handling<F> {
    fn new(lifespan: &Lifespan, under_way: usize) -> Self {
        let runtime = lifespan.core().runtime.clone();
        let is_here = under_way == 1 || runtime.runtime_flavor() == RuntimeFlavor::CurrentThread;
        Self { runtime, is_here, places: Arc::new(Semaphore::new(under_way)), under_way, here: Box::pin(None) }
    }

    /// Whether as many messages are handled as may be.
    fn is_full(&self) -> bool {
        self.places.available_permits() == 0
    }

    /// Waits until another message may be handled.
    async fn room(&mut self) {
        let _place = self.places.acquire().await;
    }

    async fn begin(&mut self, handle: impl FnOnce() -> F) {
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
        let place = Arc::clone(&self.places).try_acquire_owned();
        self.runtime.spawn(async move {
            handled.await;
            drop(place);
        });
    }

    /// Waits until no message is handled.
    async fn end(&mut self) {
        let all = u32::try_from(self.under_way).unwrap_or(u32::MAX);
        let _places = self.places.acquire_many(all).await;
    }
}

impl fmt::Debug for Inlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inlet").field("site", &self.site).field("address", &self.address).finish_non_exhaustive()
    }
}

/// How long a settlement may take.
pub(super) const SETTLE_TIMEOUT: Duration = Duration::from_secs(30);
