//! A handler whose event another handler takes, until the second has run.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use events::{Event, Lifespan, dispatch, on};

use crate::support::operation::Work;
use crate::support::payload::Payload;

static ENDED: AtomicU64 = AtomicU64::new(0);

#[derive(Event)]
struct Asked(Payload);

#[derive(Event)]
struct Answered(Payload);

fn answer(payload: &Payload) -> Payload {
    payload.add(1);
    Payload::new()
}

fn end(payload: &Payload) {
    payload.add(2);
    ENDED.fetch_add(1, Ordering::Release);
}

#[on]
fn ask(event: &Asked) -> Answered {
    Answered(answer(&event.0))
}

#[on]
fn note(event: &Answered) {
    end(&event.0);
}

/// The scope does not wait for what its handlers dispatch.
async fn ended(before: u64) {
    while ENDED.load(Ordering::Acquire) == before {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn scope(app: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            let before = ENDED.load(Ordering::Acquire);
            app.scope(async { dispatch(Asked(Payload::new())) }).await.expect("a lifespan that is open takes events");
            ended(before).await;
        }
    })
}

pub(crate) fn spawn(_: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            let before = ENDED.load(Ordering::Acquire);
            let first: fn(&Payload) -> Payload = black_box(answer);
            let answered = Box::new(first(&Box::new(Payload::new())));
            let second: fn(&Payload) = black_box(end);
            tokio::spawn(async move { second(&answered) });
            ended(before).await;
        }
    })
}
