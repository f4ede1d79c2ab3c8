//! The same messages and the same work, written out by hand: nothing is settled, and nothing is found by a name.

use std::collections::VecDeque;
use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;

use super::cats::{Kind, Told};
use super::{Prepared, WAITING};

type Call<K> = for<'a> fn(&'a K) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

fn call<K: Kind>(event: &K) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
    Box::pin(async move {
        if K::WAITS {
            tokio::task::yield_now().await;
        }
        event.handle();
    })
}

fn queue<T: Told>() -> VecDeque<Vec<u8>> {
    (0..WAITING).map(|_| T::JSON.into()).collect()
}

/// Decodes each body, and awaits a boxed future, one after another.
pub(crate) fn table<K: Kind>(times: u32) -> Prepared {
    let mut queue = queue::<K>();
    Box::pin(async move {
        let told = K::expect(times);
        for body in queue.drain(..times as usize) {
            let event: Box<K> = serde_json::from_slice(&body).expect("the payload fits");
            let call: Call<K> = black_box(call::<K>);
            call(&event).await;
        }
        told.notified().await;
        std::mem::forget(queue);
    })
}

/// As `table`, each message in a task of its own, all of them at a time.
pub(crate) fn spawn_each<K: Kind>(times: u32) -> Prepared {
    let mut queue = queue::<K>();
    Box::pin(async move {
        let told = K::expect(times);
        for body in queue.drain(..times as usize) {
            tokio::spawn(async move {
                let event: Box<K> = serde_json::from_slice(&body).expect("the payload fits");
                let call: Call<K> = black_box(call::<K>);
                call(&event).await;
            });
        }
        told.notified().await;
        std::mem::forget(queue);
    })
}

/// Takes each body, in a boxed future, as it is.
pub(crate) fn each<T: Told>(times: u32, act: fn(&[u8])) -> Prepared {
    let mut queue = queue::<T>();
    Box::pin(async move {
        let told = T::expect(times);
        for body in queue.drain(..times as usize) {
            let act = black_box(act);
            let call: Pin<Box<dyn Future<Output = ()> + Send + '_>> = Box::pin(async { act(&body) });
            call.await;
            T::end();
        }
        told.notified().await;
        std::mem::forget(queue);
    })
}
