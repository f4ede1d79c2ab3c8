//! One message: it becomes an event, its handlers run, and it is settled.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::time::{Instant, timeout};

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
use crate::values::OwnedValues;

impl Inlet {
    /// Has the handlers of a message do their work, and settles it.
    pub(super) async fn handle(&self, work: Work, received: Received<impl Settle>) {
        let lifespan = work.lifespan().clone();
        let begun = Instant::now();
        let Received { message, settle } = received;
        let settlement = match caught(self.deliver(&lifespan, message, begun)).await {
            Ok(settlement) => settlement,
            // A format or a rule of somebody's, which would do so again.
            Err(panic) => self.invalid(&lifespan, panic.to_string().into(), begun),
        };
        // Until then the work is not done, so that the end of the lifespan waits for it.
        let Err(error) = bounded(async { settle.settle(settlement).await }).await else { return drop(work) };
        self.report(&lifespan, format!("a message could not be settled by {settlement}: {error}").into(), begun);
    }

    fn arriving<'a>(&'a self, message: &'a Message) -> Result<Arriving<'a>, BoxError> {
        match self.settings.name.of(message) {
            Some(name) => Ok(Arriving::new(name?, &message.body)),
            None => Ok(self.settings.format.__read(message)?),
        }
    }

    /// Has the handlers do their work, and answers what becomes of the message.
    async fn deliver(&self, lifespan: &Lifespan, message: Arc<Message>, begun: Instant) -> Settlement {
        let values = OwnedValues::Message(Arrived::new(Arc::clone(&message)));
        let arriving = match self.arriving(&message) {
            Ok(arriving) => arriving,
            Err(error) => return self.invalid(lifespan, error, begun),
        };
        if lifespan.is_dispatch_disabled() {
            // What is dropped here was never handled.
            return Settlement::Requeue;
        }
        let Accepted { now: mut delivery, event } = match arrive(lifespan, &arriving, values.borrow()) {
            Ok(accepted) => accepted,
            Err(error) => return self.refused(lifespan, error, begun),
        };
        let marked = match event {
            None => values.borrow().settlement(),
            Some(event) => {
                let mut bundle = Bundle::of_message(lifespan.clone(), event, values, Arc::clone(&self.address));
                delivery.join(bundle.deliver().await);
                bundle.values().settlement()
            }
        };
        marked.unwrap_or_else(|| self.of(&delivery))
    }

    fn of(&self, delivery: &Delivery) -> Settlement {
        if delivery.is_ok() { self.settings.on_success } else { self.settings.on_failure }
    }

    /// What becomes of a message whose event the lifespan does not take.
    fn refused(&self, lifespan: &Lifespan, error: DispatchError, begun: Instant) -> Settlement {
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
