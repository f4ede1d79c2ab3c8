//! A message while its handlers run.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use super::{Mark, Settlement};
use crate::format::Message;

/// What the messages of a source know of it.
#[derive(Debug)]
pub(crate) struct Lender {
    pub(crate) address: Arc<str>,
    /// Which of the lifespan's sources it is.
    pub(crate) number: usize,
    /// How many messages it has under way at most.
    pub(crate) most: usize,
}

/// A message, and the mark that its handlers leave.
pub(crate) struct Arrived {
    message: Arc<Message>,
    /// Absent where it came by a request.
    pub(crate) lender: Option<Arc<Lender>>,
    /// Made when the first handler asks for it.
    mark: OnceLock<Mark>,
}

impl Arrived {
    pub(crate) fn new(message: Arc<Message>, lender: Option<Arc<Lender>>) -> Self {
        Self { message, lender, mark: OnceLock::new() }
    }

    /// The message, where a `T` is one.
    pub(crate) fn message<T: 'static>(&self) -> Option<Arc<T>> {
        let message: &dyn Any = &self.message;
        message.downcast_ref().cloned()
    }

    pub(crate) fn mark(&self) -> &Mark {
        self.mark.get_or_init(Mark::default)
    }

    /// How a handler wants it settled, if one has said so.
    pub(crate) fn settlement(&self) -> Option<Settlement> {
        self.mark.get().and_then(Mark::get)
    }

    /// The same message, with the same mark.
    pub(crate) fn share(&self) -> Self {
        Self {
            message: Arc::clone(&self.message),
            lender: self.lender.clone(),
            mark: OnceLock::from(self.mark().clone()),
        }
    }
}
