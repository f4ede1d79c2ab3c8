//! Keeps a source connected, and its messages coming.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, select};
use tokio::time::Instant;

use super::again::Again;
use super::handle::{Undone, bounded};
use super::handling::{Handling, Places};
use super::settings::{Name, Settings};
use super::{Incoming, IntoSource, Lender, Settle, Settlement, Source, SourceError};
use crate::call::caught;
use crate::error::text_of;
use crate::flow::SourcePart;
use crate::format::Message;
use crate::handler::HandlerDecl;
use crate::lifespan::{Connection, Lifespan, SourceHealth};
use crate::place::Site;
use crate::registry::{Named, Registry};
use crate::telemetry::{Destination, SourceMeters, public};

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
    /// What its messages become, where all of them become the same; looked up with the first one.
    named: OnceLock<Option<Named>>,
    connection: Connection,
    places: Places,
    lender: Arc<Lender>,
    pub(super) again: Again,
    /// Whether the lifespan has started disabled, and has not been enabled since.
    is_resting: AtomicBool,
    /// Whether a message was settled since this was last asked.
    pub(super) has_settled: AtomicBool,
}

impl Inlet {
    /// The source of a lifespan that has so many before it.
    pub(crate) fn new(site: Site, number: usize, source: impl IntoSource) -> Self {
        let (source, settings) = source.into_parts().split();
        let (address, label) = (Arc::<str>::from(source.address()), public(&source.label()));
        let (meters, connection) = (SourceMeters::new(&label), Connection::default());
        let places = Places::new(settings.concurrency.min(settings.prefetch));
        let lender = Arc::new(Lender { address: Arc::clone(&address), number, most: places.all() });
        let again = Again::new(settings.requeue_backoff);
        let (label, source) = (label.into(), Box::new(source));
        Self {
            site,
            address,
            label,
            source,
            settings,
            meters,
            named: OnceLock::new(),
            connection,
            places,
            lender,
            again,
            is_resting: AtomicBool::new(false),
            has_settled: AtomicBool::new(false),
        }
    }

    /// Where a message has come from, for those who look at its trace.
    pub(super) fn destination(&self, message: &Message) -> Destination {
        self.source.destination(message)
    }

    /// How it does; nothing where it is not to be connected.
    pub(crate) fn health(&self) -> Option<SourceHealth> {
        let is_resting = self.is_resting.load(Ordering::Relaxed);
        (!is_resting).then(|| SourceHealth::new(&self.label, self.site.place, &self.connection))
    }

    /// Has it wait until the lifespan is enabled, before it is connected.
    pub(crate) fn rest(&self) {
        self.is_resting.store(true, Ordering::Relaxed);
    }

    pub(crate) fn part(&self) -> SourcePart {
        let name = match &self.settings.name {
            Name::Fixed(name) => Some(name.to_string()),
            Name::Format | Name::Header(_) => None,
        };
        SourcePart { site: self.site, label: self.label.to_string(), name }
    }

    /// What the name of a message's event stands for.
    pub(super) fn named(&self, name: &str) -> Option<Named> {
        let find = || Registry::get().find(name);
        match self.settings.name {
            Name::Fixed(_) => *self.named.get_or_init(find),
            Name::Format | Name::Header(_) => find(),
        }
    }

    pub(crate) fn lender(&self) -> &Arc<Lender> {
        &self.lender
    }

    /// Whether a handler may get what it brings.
    pub(crate) fn may_bring(&self, handler: &HandlerDecl, registry: &Registry) -> bool {
        let Name::Fixed(name) = &self.settings.name else { return true };
        registry.find(name).is_some_and(|Named { decl, variant }| {
            let of_type = handler.accepts.payload_type().is_some_and(|own| own.type_id == decl.type_id);
            of_type && handler.takes_name(decl.names[variant])
        })
    }

    /// Reads until the lifespan ends, over one connection after another; answers what could not be closed then.
    pub(crate) async fn run(self: Arc<Self>, lifespan: Lifespan) -> Option<String> {
        before_end(&lifespan, self.rested(&lifespan)).await?;
        let mut attempt = 0;
        let mut pauses = self.settings.backoff.pauses();
        loop {
            let connecting = caught(self.source.connect(self.settings.prefetch));
            let connected = before_end(&lifespan, connecting).await?;
            let error = match connected {
                Ok(Ok(incoming)) => {
                    attempt = 0;
                    // Until it is lost, or nobody reads any more.
                    let _connected = (self.connection.made(), self.meters.connected());
                    let begun = Instant::now();
                    match incoming.read(Arc::clone(&self), lifespan.internal()).await {
                        Ok(unclosed) => return unclosed,
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

    async fn rested(&self, lifespan: &Lifespan) {
        if self.is_resting.load(Ordering::Relaxed) {
            lifespan.core().switch.on().await;
            self.is_resting.store(false, Ordering::Relaxed);
        }
    }

    /// Reads over one connection.
    async fn read(self: &Arc<Self>, mut incoming: impl Incoming, lifespan: &Lifespan) -> Ended {
        let core = lifespan.core();
        let mut draining = pin!(core.gate.draining());
        let mut handling = Handling::new(lifespan, &self.places);
        let lost = loop {
            // Handlers that never wait must not keep the thread from other tasks.
            tokio::task::consume_budget().await;
            if handling.is_full() && before(draining.as_mut(), pin!(handling.room())).await.is_none() {
                break None;
            }
            if core.holds_back() && before(draining.as_mut(), pin!(core.lets_in())).await.is_none() {
                break None;
            }
            match before(draining.as_mut(), pin!(caught(async { incoming.next().await }))).await {
                Some(Ok(Ok(received))) => {
                    // It may have been waited for longer than there was room.
                    if core.holds_back() && before(draining.as_mut(), pin!(core.lets_in())).await.is_none() {
                        self.give_back(received.settle).await;
                        break None;
                    }
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

    /// Gives a message back that nobody has looked at. If that fails, the end of its connection does it.
    async fn give_back(&self, settle: impl Settle) {
        let settled = bounded(async { settle.settle(Settlement::Requeue).await }).await;
        if let Err(Undone { error, .. }) = settled {
            let error = text_of(&error);
            tracing::warn!(target: "events", source = &*self.label, error, "a message could not be given back");
        }
    }

    async fn close(&self, incoming: impl Incoming) -> Option<String> {
        let error = text_of(&bounded(incoming.close()).await.err()?.error);
        tracing::error!(target: "events", source = &*self.label, error, "a source could not be closed");
        Some(format!("{} could not be closed: {error}", self.site))
    }

    fn tell(&self, error: &SourceError, attempt: u32) {
        let text = text_of(error);
        self.connection.lost(text.clone());
        self.meters.lost();
        tracing::warn!(
            target: "events",
            source = &*self.label,
            attempt,
            error = text,
            "a source is not connected, and {}",
            if error.is_permanent() { "has ended: it is not tried again" } else { "will be tried again" },
        );
        self.settings.on_attempt.tell(error, attempt, self.site);
    }
}

/// Waits, but not past the moment when the lifespan takes nothing more.
pub(super) async fn before_end<T>(lifespan: &Lifespan, work: impl Future<Output = T>) -> Option<T> {
    before(pin!(lifespan.core().gate.draining()), pin!(work)).await
}

async fn before<F: Future>(end: Pin<&mut impl Future<Output = ()>>, work: Pin<&mut F>) -> Option<F::Output> {
    match select(work, end).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

impl fmt::Debug for Inlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inlet").field("site", &self.site).field("label", &self.label).finish_non_exhaustive()
    }
}

/// How long a settlement may take.
pub(super) const SETTLE_TIMEOUT: Duration = Duration::from_secs(30);
