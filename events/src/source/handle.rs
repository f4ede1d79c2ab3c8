//! One message: it becomes an event, its handlers run, and it is settled.

use std::sync::Arc;

use tokio::time::{Instant, timeout};

use super::mark::Mark;
use super::run::{Inlet, SETTLE_TIMEOUT};
use super::{Received, Settle, Settlement};
use crate::call::caught;
use crate::delivery::{Bundle, Delivery};
use crate::dispatch::{DispatchError, arrive};
use crate::envelope::Envelope;
use crate::error::BoxError;
use crate::failure::{Failure, FailureCause};
use crate::format::Message;
use crate::lifespan::{Lifespan, Work};
use crate::scope::ScopeQueue;

impl Inlet {
    pub(super) async fn handle(&self, work: Work, received: Received<impl Settle>) {
        let lifespan = work.lifespan().clone();
        let begun = Instant::now();
        let Received { message, settle } = received;
        // Held until the message is settled, so that the end of the lifespan waits for that.
        let held = lifespan.begin(true);
        let settlement = match self.envelope(&message) {
            Ok(envelope) => self.deliver(work, message, &envelope, begun).await,
            Err(error) => {
                self.report(&lifespan, error, begun);
                self.settings.on_invalid
            }
        };
        let settled = timeout(SETTLE_TIMEOUT, caught(async { settle.settle(settlement).await })).await;
        let error: BoxError = match settled {
            Ok(Ok(Ok(()))) => return drop(held),
            Ok(Ok(Err(error))) => error.into_inner(),
            Ok(Err(panic)) => panic.to_string().into(),
            Err(_) => format!("it took longer than {SETTLE_TIMEOUT:?}").into(),
        };
        self.report(&lifespan, format!("a message could not be settled by {settlement}: {error}").into(), begun);
    }

    fn envelope(&self, message: &Message) -> Result<Envelope, BoxError> {
        match self.settings.name.of(message) {
            Some(name) => Ok(Envelope::new(name?, message.body.clone())),
            None => Ok(self.settings.format.decode(message)?),
        }
    }

    /// Has the handlers do their work, and answers what becomes of the message.
    async fn deliver(&self, work: Work, message: Arc<Message>, envelope: &Envelope, begun: Instant) -> Settlement {
        let lifespan = work.lifespan().clone();
        if lifespan.is_dispatch_disabled() {
            // What is dropped here was never handled.
            return Settlement::Requeue;
        }
        let (mark, scope) = (Mark::default(), Arc::new(ScopeQueue::default()));
        scope.insert(mark.clone());
        scope.share(message);
        // It carries values, and collects nothing: what handlers dispatch, those that run `now` too, goes to the lifespan.
        scope.close();
        let delivery = match arrive(&lifespan, &scope, envelope) {
            Ok(accepted) => {
                let mut delivery = accepted.now;
                if let Some(event) = accepted.event {
                    let bundle = Bundle::of_message(work, event, Arc::clone(&scope), Arc::clone(&self.address));
                    delivery.join(bundle.deliver().await);
                }
                delivery
            }
            Err(error) => return self.refused(&lifespan, error, begun),
        };
        mark.get().unwrap_or_else(|| self.of(&delivery))
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

    fn report(&self, lifespan: &Lifespan, error: BoxError, begun: Instant) {
        let cause = FailureCause::Error(error);
        lifespan.report(&Failure::of_interruption(self.site, cause, begun.elapsed()));
    }
}
