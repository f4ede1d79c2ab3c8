//! What stands in for the library's own `sync`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

pub(crate) use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
pub(crate) use loom::sync::{Mutex, MutexGuard};
pub(crate) use std::sync::PoisonError;

/// Threads of a model, from 0 on.
pub(crate) fn thread_number() -> usize {
    // `ThreadId(0)`: the number is shown in no other way.
    let id = format!("{:?}", loom::thread::current().id());
    id.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

/// As tokio's: who has called `notified` before is told, whether it has been polled or not.
#[derive(Debug, Default)]
pub(crate) struct Notify(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    times: usize,
    waiting: Vec<Waker>,
}

impl Notify {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn notify_waiters(&self) {
        let waiting = {
            let mut told = self.told();
            told.times += 1;
            std::mem::take(&mut told.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn notified(&self) -> Notified<'_> {
        Notified { notify: self, before: self.told().times }
    }
}

pub(crate) struct Notified<'a> {
    notify: &'a Notify,
    before: usize,
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut told = self.notify.told();
        if told.times != self.before {
            return Poll::Ready(());
        }
        told.waiting.push(cx.waker().clone());
        Poll::Pending
    }
}
