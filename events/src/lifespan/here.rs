//! On which runtime the caller is.

use std::cell::Cell;

use tokio::runtime::{self, Handle};
use tokio::task;

thread_local! {
    /// The task that has asked last, and the runtime that it is on.
    static ASKED: Cell<Option<(task::Id, runtime::Id)>> = const { Cell::new(None) };
}

/// Whether the caller runs on this runtime.
///
/// Asked where it is, tokio changes a count that all threads of the runtime share. A task stays where it is, so that it has
/// to be asked once; one that enters another runtime by hand is where it was when it asked first.
pub(super) fn is_on(runtime: &Handle) -> bool {
    let asked = ASKED.get();
    let task = task::try_id();
    match (task, asked) {
        (Some(task), Some((same, on))) if task == same => on == runtime.id(),
        _ => {
            let Ok(current) = Handle::try_current() else { return false };
            if let Some(task) = task {
                ASKED.set(Some((task, current.id())));
            }
            current.id() == runtime.id()
        }
    }
}
