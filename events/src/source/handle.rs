//! One message: it becomes an event, its handlers run, and it is settled.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tracing::Instrument as _;

use super::arrived::Arrived;
use super::run::{Inlet, SETTLE_TIMEOUT};
use super::{Received, Settle, Settlement, SourceError};
use crate::call::{caught, polled};
use crate::context::Ambient;
use crate::delivery::{Bundle, Delivery};
use crate::dispatch::{Accepted, DispatchError, arrive};
use crate::envelope::Arriving;
use crate::error::BoxError;
use crate::failure::{Failure, FailureCause};
use crate::format::Message;
use crate::lifespan::{Lifespan, Work};
use crate::telemetry::messaging::described;
use crate::telemetry::{Identity, Meters, Operation, Seen, Trace, spans};
use crate::values::Values;

impl Inlet {
    /// Has the handlers of a message do their work, and settles it.
    pub(super) async fn handle(self: Arc<Self>, work: Work, received: Received<impl Settle>) {
        let lifespan = work.lifespan();
        let Received { message, settle, unreadable } = received;
        self.meters.received();
        let seen = spans::process(&self.label, lifespan);
        let settlement = match caught(self.deliver(lifespan, &message, unreadable, &seen)).await {
            Ok(settlement) => settlement,
            // A format or a rule of somebody's, which would do so again.
            Err(panic) => self.invalid(lifespan, panic.to_string().into()),
        };
        let settling = self.settling(settlement, &message, seen);
        // Until then the work is not done, so that the end of the lifespan waits for it.
        let settled = match settling.span() {
            None => bounded(async { settle.settle(settlement).await }).await,
            Some(span) => {
                let settled = bounded(async { settle.settle(settlement).await });
                Box::pin(settled.instrument(span.clone())).await
            }
        };
        settling.ended(spans::outcome(settled.is_ok()));
        let Err(Undone { error, took }) = settled else {
            self.has_settled.store(true, Ordering::Relaxed);
            return self.meters.settled(settlement);
        };
        self.report(lifespan, format!("a message could not be settled by {settlement}: {error}").into(), took);
    }

    /// Ends the span of a message's handlers, and begins that of its settlement, in the same trace.
    fn settling(&self, settlement: Settlement, message: &Message, processed: Seen) -> Seen {
        let Some(processed) = processed.into_span() else { return Seen::default() };
        let settling = spans::settle(&self.label, settlement);
        if let Some(span) = settling.span() {
            Trace::of(&processed).adopt(span);
            described(span, Operation::Settle(settlement), || self.destination(message), &Identity::default());
        }
        settling
    }

    fn arriving<'a>(&'a self, message: &'a Message) -> Result<Arriving<'a>, BoxError> {
        match self.settings.name.of(message) {
            Some(name) => Ok(Arriving::new(name?, &message.body)),
            None => Ok(self.settings.format.__read(message)?),
        }
    }

    /// Has the handlers do their work, and answers what becomes of the message.
    async fn deliver(
        &self,
        lifespan: &Lifespan,
        message: &Arc<Message>,
        unreadable: Option<BoxError>,
        seen: &Seen,
    ) -> Settlement {
        let (settlement, outcome) = match self.accept(lifespan, message, unreadable, seen) {
            Ok((mut delivery, mut bundle)) => {
                delivery.join(match seen.span() {
                    None => bundle.deliver().await,
                    Some(span) => Box::pin(bundle.deliver().instrument(span.clone())).await,
                });
                let settlement = bundle.values().settlement();
                (settlement.unwrap_or_else(|| self.of(&delivery)), delivery.outcome())
            }
            Err(settled) => settled,
        };
        seen.ended(outcome);
        settlement
    }

    /// Says what a span is about that nobody has entered yet.
    fn described(&self, seen: &Seen, message: &Message, arriving: Option<&Arriving<'_>>) {
        let Some(span) = seen.span() else { return };
        let beside = arriving.map(|arriving| &arriving.beside);
        if let Some(beside) = beside {
            if self.settings.continues_trace {
                beside.trace.adopt(span);
            }
            beside.trace.link(span);
        }
        let identity = Identity {
            id: beside.and_then(|beside| beside.id.as_ref()),
            correlation: beside.and_then(|beside| beside.correlation.as_ref()),
        };
        described(span, Operation::Process, || self.destination(message), &identity);
    }

    /// Has the event of a message accepted: what its `now` handlers did, and the delivery to the others. Or answers what becomes
    /// of the message, where no handler waits for it, and how it went, in a word.
    fn accept(
        &self,
        lifespan: &Lifespan,
        message: &Arc<Message>,
        unreadable: Option<BoxError>,
        seen: &Seen,
    ) -> Result<(Delivery, Bundle), Settled> {
        let arriving = unreadable.map_or_else(|| self.arriving(message), Err);
        self.described(seen, message, arriving.as_ref().ok());
        let _entered = seen.enter();
        let mut arriving = arriving.map_err(|error| (self.invalid(lifespan, error), "invalid"))?;
        self.meters.arrived(arriving.beside.time);
        if lifespan.is_dispatch_disabled() {
            // What is dropped here was never handled.
            return Err((Settlement::Requeue, spans::OK));
        }
        let (ambient, arrived) = (Ambient::of(lifespan.clone()), Arrived::new(Arc::clone(message)));
        let accepted = arrive(&ambient, &mut arriving, Values::Message(&arrived));
        let Accepted { now, event } = accepted.map_err(|error| {
            let kind = error.kind();
            (self.refused(lifespan, error), kind)
        })?;
        match event {
            None => Err((arrived.settlement().unwrap_or_else(|| self.of(&now)), now.outcome())),
            Some(event) => {
                let from = Arc::clone(&self.address);
                Ok((now, Bundle::of_message(ambient.lifespan, event, arrived, from)))
            }
        }
    }

    fn of(&self, delivery: &Delivery) -> Settlement {
        if delivery.is_ok() { self.settings.on_success } else { self.settings.on_failure }
    }

    /// What becomes of a message whose event the lifespan does not take.
    fn refused(&self, lifespan: &Lifespan, error: DispatchError) -> Settlement {
        Meters::refused(&error);
        let settlement = match error {
            // Another time, or another process, will do.
            DispatchError::Full { .. } | DispatchError::Closed { .. } => Settlement::Requeue,
            _ => self.settings.on_invalid,
        };
        self.report(lifespan, error.into(), Duration::ZERO);
        settlement
    }

    fn invalid(&self, lifespan: &Lifespan, error: BoxError) -> Settlement {
        self.report(lifespan, error, Duration::ZERO);
        self.settings.on_invalid
    }

    fn report(&self, lifespan: &Lifespan, error: BoxError, took: Duration) {
        let cause = FailureCause::Error(error);
        lifespan.report(&Failure::of_interruption(self.site, cause, took));
    }
}

/// What becomes of a message that no handler waits for, and how it went, in a word.
type Settled = (Settlement, &'static str);

/// Why a source has not done what it was to do.
pub(super) struct Undone {
    pub(super) error: BoxError,
    /// How long it was waited for.
    took: Duration,
}

/// Waits for what a source does, but not for ever.
pub(super) async fn bounded(work: impl Future<Output = Result<(), SourceError>>) -> Result<(), Undone> {
    let mut work = pin!(caught(work));
    let mut took = Duration::ZERO;
    // Most is done at once, and a clock costs more than that.
    let done = match polled(work.as_mut()).await {
        Poll::Ready(done) => Ok(done),
        Poll::Pending => {
            let begun = Instant::now();
            let done = Box::pin(timeout(SETTLE_TIMEOUT, work)).await;
            took = begun.elapsed();
            done
        }
    };
    let done = match done {
        Ok(Ok(done)) => done.map_err(SourceError::into_inner),
        Ok(Err(panic)) => Err(panic.to_string().into()),
        Err(_) => Err(format!("it took longer than {SETTLE_TIMEOUT:?}").into()),
    };
    done.map_err(|error| Undone { error, took })
}
