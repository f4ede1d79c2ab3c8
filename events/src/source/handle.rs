//! One message: it becomes an event, its handlers run, and it is settled.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::time::{Instant, timeout};
use tracing::{Instrument as _, Span};

use super::arrived::Arrived;
use super::run::{Inlet, SETTLE_TIMEOUT};
use super::{Received, Settle, Settlement, SourceError};
use crate::call::{caught, polled};
use crate::delivery::{Bundle, Delivery};
use crate::dispatch::{Accepted, DispatchError, arrive};
use crate::envelope::Arriving;
use crate::error::BoxError;
use crate::failure::{Failure, FailureCause};
use crate::format::Message;
use crate::lifespan::{Lifespan, Work};
use crate::telemetry::messaging::described;
use crate::telemetry::{Identity, Meters, Operation, Trace, spans};
use crate::values::OwnedValues;

impl Inlet {
    /// Has the handlers of a message do their work, and settles it.
    pub(super) async fn handle(&self, work: Work, received: Received<impl Settle>) {
        let lifespan = work.lifespan().clone();
        let begun = Instant::now();
        let Received { message, settle } = received;
        self.meters.received();
        let span = spans::process(&self.label, &lifespan);
        let settlement = match caught(self.deliver(&lifespan, &message, begun, &span)).await {
            Ok(settlement) => settlement,
            // A format or a rule of somebody's, which would do so again.
            Err(panic) => self.invalid(&lifespan, panic.to_string().into(), begun),
        };
        let settling = self.settling(settlement, &message, &span);
        drop(span);
        // Until then the work is not done, so that the end of the lifespan waits for it.
        let settled = bounded(async { settle.settle(settlement).await }).instrument(settling.clone()).await;
        spans::ended(&settling, if settled.is_ok() { "ok" } else { "error" }, settled.is_ok());
        let Err(error) = settled else {
            self.meters.settled(settlement);
            return drop(work);
        };
        self.report(&lifespan, format!("a message could not be settled by {settlement}: {error}").into(), begun);
    }

    /// Ends the span of a message's handlers, and begins that of its settlement, in the same trace.
    fn settling(&self, settlement: Settlement, message: &Message, processed: &Span) -> Span {
        if processed.is_disabled() {
            return Span::none();
        }
        let span = spans::settle(&self.label, settlement);
        Trace::of(processed).adopt(&span);
        described(&span, Operation::Settle(settlement), || self.destination(message), &Identity::default());
        span
    }

    fn arriving<'a>(&'a self, message: &'a Message) -> Result<Arriving<'a>, BoxError> {
        match self.settings.name.of(message) {
            Some(name) => Ok(Arriving::new(name?, &message.body)),
            None => Ok(self.settings.format.__read(message)?),
        }
    }

    /// Has the handlers do their work, and answers what becomes of the message.
    async fn deliver(&self, lifespan: &Lifespan, message: &Arc<Message>, begun: Instant, span: &Span) -> Settlement {
        let arriving = self.arriving(message);
        self.described(span, message, arriving.as_ref().ok());
        let delivered = async {
            match arriving {
                Ok(arriving) => self.deliver_arriving(lifespan, message, &arriving, begun).await,
                Err(error) => (self.invalid(lifespan, error, begun), "invalid"),
            }
        };
        let (settlement, outcome) = delivered.instrument(span.clone()).await;
        spans::ended(span, outcome, outcome == "ok");
        settlement
    }

    /// Says what a span is about that nobody has entered yet.
    fn described(&self, span: &Span, message: &Message, arriving: Option<&Arriving<'_>>) {
        if span.is_disabled() {
            return;
        }
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

    /// Answers what becomes of the message, and how it went, in a word.
    async fn deliver_arriving(
        &self,
        lifespan: &Lifespan,
        message: &Arc<Message>,
        arriving: &Arriving<'_>,
        begun: Instant,
    ) -> (Settlement, &'static str) {
        self.meters.arrived(arriving.beside.time);
        let values = OwnedValues::Message(Arrived::new(Arc::clone(message)));
        if lifespan.is_dispatch_disabled() {
            // What is dropped here was never handled.
            return (Settlement::Requeue, "ok");
        }
        let Accepted { now: mut delivery, event } = match arrive(lifespan, arriving, values.borrow()) {
            Ok(accepted) => accepted,
            Err(error) => {
                let kind = error.kind();
                return (self.refused(lifespan, error, begun), kind);
            }
        };
        let marked = match event {
            None => values.borrow().settlement(),
            Some(event) => {
                let mut bundle = Bundle::of_message(lifespan.clone(), event, values, Arc::clone(&self.address));
                delivery.join(bundle.deliver().await);
                bundle.values().settlement()
            }
        };
        (marked.unwrap_or_else(|| self.of(&delivery)), if delivery.is_ok() { "ok" } else { "failed" })
    }

    fn of(&self, delivery: &Delivery) -> Settlement {
        if delivery.is_ok() { self.settings.on_success } else { self.settings.on_failure }
    }

    /// What becomes of a message whose event the lifespan does not take.
    fn refused(&self, lifespan: &Lifespan, error: DispatchError, begun: Instant) -> Settlement {
        Meters::refused(&error);
        let settlement = match error {
            // Another time, or another process, will do.
            DispatchError::Full { .. } | DispatchError::Closed { .. } => Settlement::Requeue,
            _ => self.settings.on_invalid,
        };
        self.report(lifespan, error.into(), begun);
        settlement
    }

    fn invalid(&self, lifespan: &Lifespan, error: BoxError, begun: Instant) -> Settlement {
        self.report(lifespan, error, begun);
        self.settings.on_invalid
    }

    fn report(&self, lifespan: &Lifespan, error: BoxError, begun: Instant) {
        let cause = FailureCause::Error(error);
        lifespan.report(&Failure::of_interruption(self.site, cause, begun.elapsed()));
    }
}

/// Waits for what a source does, but not for ever.
pub(super) async fn bounded(work: impl Future<Output = Result<(), SourceError>>) -> Result<(), BoxError> {
    let mut work = pin!(caught(work));
    // Most is done at once, and a clock costs more than that.
    let done = match polled(work.as_mut()).await {
        Poll::Ready(done) => Ok(done),
        Poll::Pending => Box::pin(timeout(SETTLE_TIMEOUT, work)).await,
    };
    match done {
        Ok(Ok(done)) => done.map_err(SourceError::into_inner),
        Ok(Err(panic)) => Err(panic.to_string().into()),
        Err(_) => Err(format!("it took longer than {SETTLE_TIMEOUT:?}").into()),
    }
}
