//! Deliveries that end, whoever waits for them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use super::{Bundle, Delivery};
use crate::context::Ambient;
use crate::lifespan::Lifespan;

/// A delivery that goes on when the future that waits for it is dropped: the lifespan takes it over.
pub(crate) struct Handover {
    lifespan: Lifespan,
    delivery: Option<Pin<Box<dyn Future<Output = Delivery> + Send>>>,
}

impl Handover {
    pub(crate) fn new(mut bundle: Bundle) -> Self {
        if !bundle.lifespan().core().is_here() {
            return Self::elsewhere(bundle);
        }
        bundle.nested = Ambient::is_in_handler();
        Self::boxed(bundle.lifespan().clone(), async move { bundle.deliver().await })
    }

    /// Delivers what can be delivered on the spot, and answers the delivery of the rest, if there is any.
    pub(crate) fn of_rest(mut bundle: Bundle, cx: &mut task::Context<'_>) -> Option<Self> {
        if !bundle.lifespan().core().is_here() {
            return Some(Self::elsewhere(bundle));
        }
        if bundle.deliver_at_once(cx) {
            return None;
        }
        bundle.nested = Ambient::is_in_handler();
        Some(Self::boxed(bundle.lifespan().clone(), async move { bundle.deliver_rest().await }))
    }

    /// The caller is not on the lifespan's runtime.
    fn elsewhere(mut bundle: Bundle) -> Self {
        let lifespan = bundle.lifespan().clone();
        bundle.nested = Ambient::is_in_handler();
        let task = lifespan.core().runtime.spawn(async move { bundle.deliver().await });
        Self::boxed(lifespan, async move { task.await.unwrap_or_default() })
    }

    fn boxed(lifespan: Lifespan, delivery: impl Future<Output = Delivery> + Send + 'static) -> Self {
        Self { lifespan, delivery: Some(Box::pin(delivery)) }
    }
}

impl Future for Handover {
    type Output = Delivery;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Delivery> {
        let Some(delivery) = &mut self.delivery else { return Poll::Ready(Delivery::default()) };
        let delivered = task::ready!(delivery.as_mut().poll(cx));
        self.delivery = None;
        Poll::Ready(delivered)
    }
}

impl Drop for Handover {
    fn drop(&mut self) {
        if let Some(delivery) = self.delivery.take() {
            self.lifespan.core().runtime.spawn(delivery);
        }
    }
}

impl fmt::Debug for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handover").field("ended", &self.delivery.is_none()).finish_non_exhaustive()
    }
}

/// Delivers what nobody waits for, in a task of its own.
pub(crate) fn schedule(mut bundle: Bundle) {
    let runtime = bundle.lifespan().core().runtime.clone();
    runtime.spawn(async move { bundle.deliver().await });
}
