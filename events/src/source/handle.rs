//! One message: it becomes an event, its handlers run, and it is settled.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, timeout};

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
use crate::values::Values;

impl Inlet {
    /// Has the handlers of a message do their work, and settles it.
    pub(super) async fn handle(self: Arc<Self>, work: Work, received: Received<impl Settle>) {
        let lifespan = work.lifespan();
        let Received { message, settle } = received;
        let settlement = match caught(self.deliver(lifespan, message)).await {
            Ok(settlement) => settlement,
            // A format or a rule of somebody's, which would do so again.
            Err(panic) => self.invalid(lifespan, panic.to_string().into()),
        };
        // Until then the work is not done, so that the end of the lifespan waits for it.
        let Err(Undone { error, took }) = bounded(async { settle.settle(settlement).await }).await else { return };
        self.report(lifespan, format!("a message could not be settled by {settlement}: {error}").into(), took);
    }

    fn arriving<'a>(&'a self, message: &'a Message) -> Result<Arriving<'a>, BoxError> {
        match self.settings.name.of(message) {
            Some(name) => Ok(Arriving::new(name?, &message.body)),
            None => Ok(self.settings.format.__read(message)?),
        }
    }

    /// Has the handlers do their work, and answers what becomes of the message.
    async fn deliver(&self, lifespan: &Lifespan, message: Arc<Message>) -> Settlement {
        let (mut delivery, mut bundle) = match self.accept(lifespan, message) {
            Ok(accepted) => accepted,
            Err(settlement) => return settlement,
        };
        delivery.join(bundle.deliver().await);
        bundle.values().settlement().unwrap_or_else(|| self.of(&delivery))
    }

    /// Has the event of a message accepted: what its `now` handlers did, and the delivery to the others. Or answers what becomes
    /// of the message, where no handler waits for it.
    fn accept(&self, lifespan: &Lifespan, message: Arc<Message>) -> Result<(Delivery, Bundle), Settlement> {
        let arrived = Arrived::new(message);
        let mut arriving = self.arriving(arrived.whole()).map_err(|error| self.invalid(lifespan, error))?;
        if lifespan.is_dispatch_disabled() {
            // What is dropped here was never handled.
            return Err(Settlement::Requeue);
        }
        let ambient = Ambient::of(lifespan.clone());
        let accepted = arrive(&ambient, &mut arriving, Values::Message(&arrived));
        drop(arriving);
        let Accepted { now, event } = accepted.map_err(|error| self.refused(lifespan, error))?;
        match event {
            None => Err(arrived.settlement().unwrap_or_else(|| self.of(&now))),
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
