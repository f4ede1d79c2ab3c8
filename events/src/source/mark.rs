//! What a handler says about the message that its event came in.

use std::sync::{Arc, Mutex, PoisonError};

use super::Settlement;
use crate::context::Context;
use crate::params::FromContext;

/// Says how the message is to be settled that the event came in: a parameter of handlers.
///
/// Of several marks, by one handler or by many, the last one counts, also where the handler fails afterwards. Without any, the
/// source's settings decide. An event that was dispatched in this process came in no message, and a mark says nothing then: a
/// handler need not know.
///
/// # Examples
///
/// ```
/// use events::{Event, Mark, on};
///
/// #[derive(Event, serde::Deserialize)]
/// struct PaymentArrived {
///     cents: u64,
/// }
///
/// #[on]
/// async fn book(event: &PaymentArrived, mark: Mark) -> Result<(), std::io::Error> {
///     if event.cents == 0 {
///         mark.reject(); // nobody will ever book it
///     }
///     Ok(())
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Debug, Default)]
pub struct Mark {
    settlement: Arc<Mutex<Option<Settlement>>>,
}

impl Mark {
    /// The message was handled, whatever happens now.
    pub fn accept(&self) {
        self.set(Settlement::Ack);
    }

    /// The message is refused for good.
    pub fn reject(&self) {
        self.set(Settlement::Reject);
    }

    /// The message is to be delivered again.
    pub fn requeue(&self) {
        self.set(Settlement::Requeue);
    }

    fn set(&self, settlement: Settlement) {
        *self.settlement.lock().unwrap_or_else(PoisonError::into_inner) = Some(settlement);
    }

    pub(crate) fn get(&self) -> Option<Settlement> {
        *self.settlement.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FromContext for Mark {
    type Error = std::convert::Infallible;

    fn from_context(context: &Context<'_>) -> Result<Self, Self::Error> {
        Ok(context.values.mark().unwrap_or_default())
    }
}
