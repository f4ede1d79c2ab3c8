//! Keeps a source connected, and its messages coming.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, select};
use tokio::sync::Semaphore;

use super::settings::Settings;
use super::{Incoming, IntoSource, Source, SourceError};
use crate::call::caught;
use crate::lifespan::Lifespan;
use crate::place::Site;

/// A source whose type is forgotten.
trait AnySource: Send + Sync {
    fn connect(&self, prefetch: usize) -> BoxFuture<'_, Result<Box<dyn AnyIncoming>, SourceError>>;
}

/// A connection whose type is forgotten.
trait AnyIncoming: Send {
    /// Reads over it; answers why it is lost, or nothing at the lifespan's end.
    fn read(self: Box<Self>, inlet: Arc<Inlet>, lifespan: Lifespan) -> BoxFuture<'static, Option<SourceError>>;
}

impl<S: Source> AnySource for S {
    fn connect(&self, prefetch: usize) -> BoxFuture<'_, Result<Box<dyn AnyIncoming>, SourceError>> {
        Box::pin(async move {
            let incoming: Box<dyn AnyIncoming> = Box::new(Source::connect(self, prefetch).await?);
            Ok(incoming)
        })
    }
}

impl<I: Incoming> AnyIncoming for I {
    fn read(self: Box<Self>, inlet: Arc<Inlet>, lifespan: Lifespan) -> BoxFuture<'static, Option<SourceError>> {
        Box::pin(async move { inlet.read(*self, &lifespan).await })
    }
}

/// A source of a lifespan.
pub(crate) struct Inlet {
    pub(crate) site: Site,
    pub(crate) address: Arc<str>,
    source: Box<dyn AnySource>,
    pub(super) settings: Settings,
}

impl Inlet {
    pub(crate) fn new(site: Site, source: impl IntoSource) -> Self {
        let (source, settings) = source.into_parts().split();
        Self { site, address: source.address().into(), source: Box::new(source), settings }
    }

    /// How many messages are handled at a time at most.
    pub(crate) fn under_way(&self) -> usize {
        self.settings.concurrency.min(self.settings.prefetch)
    }

    /// Reads until the lifespan ends, over one connection after another.
    pub(crate) async fn run(self: Arc<Self>, lifespan: Lifespan) {
        let mut attempt = 0;
        let mut pauses = self.settings.backoff.pauses();
        loop {
            let connecting = caught(self.source.connect(self.settings.prefetch));
            let Some(connected) = before_end(&lifespan, connecting).await else { return };
            let error = match connected {
                Ok(Ok(incoming)) => {
                    (attempt, pauses) = (0, self.settings.backoff.pauses());
                    let read = incoming.read(Arc::clone(&self), lifespan.internal());
                    let Some(error) = read.await else { return };
                    error
                }
                Ok(Err(error)) => error,
                Err(panic) => SourceError::new(panic.to_string()),
            };
            attempt += 1;
            self.tell(&error, attempt);
            if error.is_permanent()
                || before_end(&lifespan, pauses.pause_of(error.retry_after().unwrap_or_default())).await.is_none()
            {
                return;
            }
        }
    }

    /// Reads over one connection; answers why it is lost, or nothing at the lifespan's end.
    async fn read(self: &Arc<Self>, mut incoming: impl Incoming, lifespan: &Lifespan) -> Option<SourceError> {
        let places = Arc::new(Semaphore::new(self.under_way()));
        let lost = loop {
            let place = before_end(lifespan, Arc::clone(&places).acquire_owned()).await.and_then(Result::ok);
            let Some(place) = place else { break None };
            match before_end(lifespan, caught(async { incoming.next().await })).await {
                Some(Ok(Ok(received))) => {
                    let Some(work) = lifespan.begin(false) else { break None };
                    let inlet = Arc::clone(self);
                    lifespan.core().runtime.spawn(async move {
                        inlet.handle(work, received).await;
                        drop(place);
                    });
                }
                Some(Ok(Err(error))) => break Some(error),
                Some(Err(panic)) => break Some(SourceError::new(panic.to_string())),
                None => break None,
            }
        };
        if lost.is_none() {
            // What is under way is settled over this connection.
            let all = u32::try_from(self.under_way()).unwrap_or(u32::MAX);
            let _ = places.acquire_many(all).await;
        }
        lost
    }

    fn tell(&self, error: &SourceError, attempt: u32) {
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
    match select(pin!(work), pin!(lifespan.core().gate.draining())).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

impl fmt::Debug for Inlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inlet").field("site", &self.site).field("address", &self.address).finish_non_exhaustive()
    }
}

/// How long a settlement may take.
pub(super) const SETTLE_TIMEOUT: Duration = Duration::from_secs(30);
