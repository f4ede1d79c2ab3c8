//! Where events wait until they are a batch.

use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{Either, select};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::sleep;

use super::{BatchLimits, Collected};
use crate::any::AnyEvent;
use crate::call::{self, Interrupted};
use crate::context::{About, Ambient, Context, InAmbient};
use crate::failure::FailureCause;
use crate::handler::{Handler, HandlerDecl, Outcome, Running};
use crate::lifespan::Lifespan;
use crate::metadata::Cause;
use crate::params::FromContext as _;
use crate::source::{Lender, Mark};

/// The events that wait for a handler of batches.
pub(crate) struct Bucket {
    pub(crate) handler: &'static HandlerDecl,
    limits: BatchLimits,
    waiting: Mutex<Waiting>,
    /// Places for batches that are handled.
    places: Semaphore,
}

#[derive(Default)]
struct Waiting {
    items: Vec<Item>,
    /// How many of them each source has lent.
    lent: HashMap<usize, usize>,
    /// Counts the batches, so that a clock that comes late does not take the next one.
    number: u64,
}

struct Item {
    collected: Collected,
    told: oneshot::Sender<Outcome>,
}

impl Bucket {
    pub(crate) fn new(handler: &'static HandlerDecl, limits: BatchLimits) -> Self {
        let places = Semaphore::new(limits.concurrency);
        Self { handler, limits, waiting: Mutex::default(), places }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has an event wait for its batch, and for what becomes of that.
    pub(crate) fn join<'a>(self: &Arc<Self>, context: Context<'a>) -> Running<'a> {
        let bucket = Arc::clone(self);
        Box::pin(async move {
            let event = context.event().cloned().ok_or(crate::extract::NoEvent)?;
            let Ok(mark) = Mark::from_context(&context);
            let (told, outcome) = oneshot::channel();
            let item = Item { collected: Collected { event, mark }, told };
            bucket.put(item, context.values.lender(), context.lifespan);
            outcome.await.unwrap_or_else(|_| Err(Interrupted(FailureCause::Aborted).into()))
        })
    }

    fn put(self: &Arc<Self>, item: Item, lender: Option<&Lender>, lifespan: &Lifespan) {
        let mut waiting = self.lock();
        let is_spent = waiting.push(item, lender);
        if is_spent || waiting.items.len() >= self.limits.size {
            let items = waiting.take();
            drop(waiting);
            return self.handle(items, lifespan);
        }
        if waiting.items.len() == 1 {
            let (number, bucket, lifespan) = (waiting.number, Arc::clone(self), lifespan.internal());
            drop(waiting);
            lifespan.core().runtime.clone().spawn(async move {
                bucket.wait(&lifespan).await;
                let items = {
                    let mut waiting = bucket.lock();
                    if waiting.number == number { waiting.take() } else { Vec::new() }
                };
                bucket.handle(items, &lifespan);
            });
        }
    }

    /// Waits until the batch is due, by its age, or because the lifespan ends.
    async fn wait(&self, lifespan: &Lifespan) {
        let draining = async {
            lifespan.core().gate.draining().await;
            // What comes along with the last events still comes together.
            tokio::task::yield_now().await;
        };
        select(pin!(sleep(self.limits.within)), pin!(draining)).await;
    }

    /// Calls the handler in a task of its own, and tells everybody who waits for it.
    fn handle(self: &Arc<Self>, items: Vec<Item>, lifespan: &Lifespan) {
        if items.is_empty() {
            return;
        }
        let (bucket, lifespan) = (Arc::clone(self), lifespan.internal());
        lifespan.core().runtime.clone().spawn(async move {
            let _place = bucket.places.acquire().await;
            let (collected, told): (Vec<_>, Vec<_>) = items.into_iter().map(|item| (item.collected, item.told)).unzip();
            let failed = {
                let call = bucket.call(&lifespan, collected.into());
                match select(pin!(call), pin!(lifespan.core().force.wait())).await {
                    Either::Left((failed, _)) => failed,
                    Either::Right(_) => Some(FailureCause::Aborted),
                }
            };
            tell(told, failed);
        });
    }

    async fn call(&self, lifespan: &Lifespan, batch: Arc<[Collected]>) -> Option<FailureCause> {
        // The longest chain goes on, so that no chain is endless.
        let longest = batch.iter().map(|collected| &collected.event).max_by_key(|event| event.hops());
        let cause = longest.map(AnyEvent::meta).map(Cause::from);
        let ambient = Ambient { cause, in_handler: true, ..Ambient::of(lifespan.clone()) };
        lifespan.core().meters.batch(self.handler.site, batch.len());
        let handler = Handler::Declared(self.handler);
        let context = Context::new(lifespan, About::Batch(&batch));
        InAmbient::new(ambient, call::run(&handler, context)).await.failed
    }
}

fn tell(told: Vec<oneshot::Sender<Outcome>>, failed: Option<FailureCause>) {
    let text = failed.as_ref().map(ToString::to_string);
    let mut first = failed;
    for sender in told {
        let outcome = match (&text, first.take()) {
            (None, _) => Ok(()),
            (Some(_), Some(cause)) => Err(Interrupted(cause).into()),
            (Some(text), None) => Err(Interrupted(FailureCause::InBatch(text.clone())).into()),
        };
        // Whoever was aborted does not wait any more.
        let _ = sender.send(outcome);
    }
}

impl Waiting {
    /// Takes one more, and answers whether its source has lent all that it can: it brings nothing more before they are handled.
    fn push(&mut self, item: Item, lender: Option<&Lender>) -> bool {
        self.items.push(item);
        let Some(&Lender { number, most, .. }) = lender else { return false };
        let lent = self.lent.entry(number).or_default();
        *lent += 1;
        *lent >= most
    }

    fn take(&mut self) -> Vec<Item> {
        self.number += 1;
        self.lent.clear();
        std::mem::take(&mut self.items)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("handler", &self.handler.site)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
