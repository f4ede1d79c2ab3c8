//! One message: it becomes an event, its handlers run, and it is settled.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument as _;

use super::arrived::Arrived;
use super::run::{Inlet, SETTLE_TIMEOUT, before_end};
use super::{Received, Settle, Settlement, SourceError};
use crate::call::{caught, polled};
use crate::context::Ambient;
use crate::delivery::{Bundle, Delivery};
use crate::dispatch::{Accepted, DispatchError, arrive};
use crate::envelope::Arriving;
use crate::error::{BoxError, text_of};
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
        match settlement {
            Settlement::Requeue => Box::pin(self.pause(lifespan)).await,
            Settlement::Ack | Settlement::Reject => self.again.over(),
        }
        // Until then the work is not done, so that the end of the lifespan waits for it.
        let settled = match settling.span() {
            None => bounded(async { settle.settle(settlement).await }).await,
            Some(span) => {
                let settled = bounded(async { settle.settle(settlement).await });
                Box::pin(settled.instrument(span.clone())).await
            }
        };
        settling.ended(settled.as_ref().err().map_or(spans::OK, |undone| undone.outcome));
        let Err(Undone { error, took, .. }) = settled else {
            self.has_settled.store(true, Ordering::Relaxed);
            return self.meters.settled(settlement);
        };
        let error = text_of(&error);
        self.report(lifespan, format!("a message could not be settled by {settlement}: {error}").into(), took);
    }

    /// Waits before a message is given back, which would come again at once; but not past the end.
    async fn pause(&self, lifespan: &Lifespan) {
        if let Some(pause) = self.again.pause() {
            before_end(lifespan, sleep(pause)).await;
        }
    }

    /// Ends the span of a message's handlers, and begins that of its settlement, in the same trace.
    #[inline]
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
            Some(name) => Ok(Arriving::named(name?, message)),
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
        let ambient = Ambient::of(lifespan.clone());
        let arrived = Arrived::new(Arc::clone(message), Some(Arc::clone(self.lender())));
        let (mut unreadable, mut is_first) = (unreadable, true);
        let accepted = loop {
            match self.accept(&ambient, &arrived, message, unreadable.take(), seen, is_first) {
                Err(Refused::ForNow) => {}
                accepted => break accepted,
            }
            // Where it is refused again, another one was faster.
            if Box::pin(lets_in(lifespan, !is_first)).await.is_none() {
                break Err(Refused::ForNow);
            }
            is_first = false;
        };
        let (settlement, outcome) = match accepted {
            Ok(Accepted { now: mut delivery, event: Some(event) }) => {
                let mut bundle = Bundle::of_message(ambient.into_lifespan(), event, arrived);
                delivery.join(match seen.span() {
                    None => bundle.deliver().await,
                    Some(span) => Box::pin(bundle.deliver().instrument(span.clone())).await,
                });
                let settlement = bundle.values().settlement();
                (settlement.unwrap_or_else(|| self.of(&delivery)), delivery.outcome())
            }
            Ok(Accepted { now, event: None }) => (arrived.settlement().unwrap_or_else(|| self.of(&now)), now.outcome()),
            Err(Refused::Settled(settlement, outcome)) => (settlement, outcome),
            // The lifespan has ended before.
            Err(Refused::ForNow) => (Settlement::Requeue, spans::OK),
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

    /// Has the event of a message accepted: what its `now` handlers did, and the delivery to the others.
    fn accept(
        &self,
        ambient: &Ambient,
        arrived: &Arrived,
        message: &Message,
        unreadable: Option<BoxError>,
        seen: &Seen,
        is_first: bool,
    ) -> Result<Accepted, Refused> {
        let lifespan = ambient.lifespan();
        let switch = &lifespan.core().switch;
        let mut arriving = unreadable.map_or_else(|| self.arriving(message), Err);
        if is_first {
            self.described(seen, message, arriving.as_ref().ok());
        }
        let _entered = seen.enter();
        let arriving = match arriving {
            Ok(ref mut arriving) => arriving,
            Err(error) => return Err(Refused::Settled(self.invalid(lifespan, error), "invalid")),
        };
        if is_first {
            self.meters.arrived(arriving.beside.time);
        }
        if switch.is_off() {
            // What is dropped here was never handled.
            return Err(Refused::ForNow);
        }
        let accepted = arrive(ambient, self.named(&arriving.name), arriving, Values::Message(arrived));
        match accepted.map_err(|error| self.refused(lifespan, error))? {
            Accepted { now, event: None } if now.handlers() == 0 && switch.is_off() => Err(Refused::ForNow),
            accepted => Ok(accepted),
        }
    }

    #[inline]
    fn of(&self, delivery: &Delivery) -> Settlement {
        if delivery.is_ok() { self.settings.on_success } else { self.settings.on_failure }
    }

    /// What becomes of a message whose event the lifespan does not take.
    fn refused(&self, lifespan: &Lifespan, error: DispatchError) -> Refused {
        if let DispatchError::Full { .. } = error {
            return Refused::ForNow;
        }
        Meters::refused(&error);
        let (kind, settlement) = match error {
            // Another process will do.
            DispatchError::Closed { .. } => (error.kind(), Settlement::Requeue),
            _ => (error.kind(), self.settings.on_invalid),
        };
        self.report(lifespan, error.into(), Duration::ZERO);
        Refused::Settled(settlement, kind)
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

/// Waits until an event may be taken, if that comes before the end of the lifespan.
async fn lets_in(lifespan: &Lifespan, is_again: bool) -> Option<()> {
    before_end(lifespan, async {
        if is_again {
            tokio::task::yield_now().await;
        }
        lifespan.core().lets_in().await;
    })
    .await
}

/// Why no handler waits for a message.
enum Refused {
    /// So it is settled, and so it went, in a word.
    Settled(Settlement, &'static str),
    /// There is no room for its event, or dispatch is disabled.
    ForNow,
}

/// Why a source has not done what it was to do.
pub(super) struct Undone {
    pub(super) error: BoxError,
    /// The same in a word.
    outcome: &'static str,
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
    let (error, outcome) = match done {
        Ok(Ok(Ok(()))) => return Ok(()),
        Ok(Ok(Err(error))) => {
            let outcome = spans::failed(error.is_permanent());
            (error.into_inner(), outcome)
        }
        Ok(Err(panic)) => (panic.to_string().into(), panic.kind()),
        Err(_) => (format!("it took longer than {SETTLE_TIMEOUT:?}").into(), spans::TIMEOUT),
    };
    Err(Undone { error, outcome, took })
}
