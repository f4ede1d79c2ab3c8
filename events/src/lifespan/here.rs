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

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, Runtime};

    use super::is_on;

    fn runtime() -> Runtime {
        Builder::new_current_thread().build().expect("a runtime can be built")
    }

    #[test]
    fn tasks_that_take_turns_on_a_thread_are_where_they_are() {
        let (one, other) = (runtime(), runtime());
        for (here, there) in [(&one, &other), (&other, &one)] {
            let (on, off) = (here.handle().clone(), there.handle().clone());
            let both = move || (is_on(&on), is_on(&off));
            for task in 0..2 {
                let both = both.clone();
                let seen = here.block_on(here.spawn(async move { (both(), both()) })).expect("no panic");
                assert_eq!(seen, ((true, false), (true, false)), "task {task}");
            }
            assert_eq!(here.block_on(async { both() }), (true, false), "no task");
        }
    }

    #[test]
    fn who_is_on_none_is_on_none() {
        let runtime = runtime();
        runtime.block_on(runtime.spawn(async {})).expect("no panic");
        assert!(!is_on(runtime.handle()));
    }
}
