//! A message that is kept from others, until it is settled.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::errand::Errand;

/// What those must agree on who keep a message and who let it go.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) receipt: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// It is to be kept no longer.
    is_over: bool,
    is_extending: bool,
    /// What is to be done behind the extension that is under way.
    then: Option<Errand>,
}

/// An extension that is under way.
#[derive(Debug)]
pub(super) struct Extending(Arc<Lease>);

impl Lease {
    pub(super) fn new(receipt: String) -> Arc<Self> {
        Arc::new(Self { receipt, state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().is_over
    }

    /// From now on, nothing is to be said of it any more.
    pub(super) fn end(&self) {
        self.lock().is_over = true;
    }

    /// Begins an extension, unless it is over, or there is one.
    pub(super) fn extend(self: &Arc<Self>) -> Option<Extending> {
        let mut state = self.lock();
        if state.is_over || state.is_extending {
            return None;
        }
        state.is_extending = true;
        drop(state);
        Some(Extending(Arc::clone(self)))
    }

    /// Lets it go. The errand that does so is answered at once, unless it has to wait for an extension, which might come to the
    /// service behind it.
    pub(super) fn let_go(&self, errand: Errand) -> Option<Errand> {
        let mut state = self.lock();
        state.is_over = true;
        if !state.is_extending {
            return Some(errand);
        }
        state.then = Some(errand);
        None
    }
}

impl Extending {
    /// Ends it, and answers what is to be done now.
    pub(super) fn end(&self) -> Option<Errand> {
        let mut state = self.0.lock();
        state.is_extending = false;
        state.then.take()
    }
}

impl Drop for Extending {
    fn drop(&mut self) {
        // Where there is something, the runtime has ended: whoever waits for it is told so.
        drop(self.end());
    }
}
