//! The same payloads and the same work, written out by hand.

use std::hint::black_box;
use std::sync::Arc;

use events::Lifespan;
use futures_util::future;

use super::load::{AsyncCall, AsyncLoad, SyncLoad};
use crate::support::operation::Work;
use crate::support::payload::Payload;

pub(crate) fn empty_spawn(_: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            tokio::spawn(async {}).await.expect("the task does not panic");
        }
    })
}

/// Calls a table of functions over a payload on the heap.
pub(crate) fn table<E: SyncLoad, const EVENTS: usize>(_: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            for _ in 0..EVENTS {
                let payload = Box::new(Payload::new());
                for call in black_box(E::CALLS) {
                    call(&payload);
                }
            }
        }
    })
}

/// As `table`, the payload where it is.
pub(crate) fn borrowed<E: SyncLoad>(_: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            let payload = Payload::new();
            for call in black_box(E::CALLS) {
                call(&payload);
            }
        }
    })
}

/// Collects the payloads and calls the table in one task.
pub(crate) fn spawn<E: SyncLoad, const EVENTS: usize>(_: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            let collected: Vec<_> = (0..EVENTS).map(|_| Box::new(Payload::new())).collect();
            let task = tokio::spawn(async move {
                for payload in &collected {
                    for call in black_box(E::CALLS) {
                        call(payload);
                    }
                }
            });
            task.await.expect("the task does not panic");
        }
    })
}

/// Awaits a table of boxed futures, one after the other.
pub(crate) fn async_table<E: AsyncLoad, const EVENTS: usize>(_: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            for _ in 0..EVENTS {
                let payload = Box::new(Payload::new());
                for call in black_box(E::CALLS) {
                    call(&payload).await;
                }
            }
        }
    })
}

/// Collects the payloads and awaits the table in one task.
pub(crate) fn async_spawn<E: AsyncLoad, const EVENTS: usize>(_: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            let collected: Vec<_> = (0..EVENTS).map(|_| Box::new(Payload::new())).collect();
            let task = tokio::spawn(async move {
                for payload in &collected {
                    for call in black_box(E::CALLS) {
                        call(payload).await;
                    }
                }
            });
            task.await.expect("the task does not panic");
        }
    })
}

/// What one would write first, were the handlers to run concurrently.
pub(crate) fn join_all<E: AsyncLoad>(_: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            let payload = Box::new(Payload::new());
            future::join_all(black_box(E::CALLS).iter().map(|call| call(&payload))).await;
        }
    })
}

/// What one would write first, were the handlers to run in parallel.
pub(crate) fn spawn_each<E: AsyncLoad>(_: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            let payload = Arc::new(Payload::new());
            let spawn = |call: &'static AsyncCall| {
                let payload = Arc::clone(&payload);
                tokio::spawn(async move { call(&payload).await })
            };
            let tasks: Vec<_> = black_box(E::CALLS).iter().map(spawn).collect();
            for task in tasks {
                task.await.expect("the task does not panic");
            }
        }
    })
}
