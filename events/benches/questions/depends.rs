//! Handlers that depend on providers, beside those that do not.

use events::{Event, on, provide};

use super::load::{AsyncCall, AsyncLoad, SyncCall, SyncLoad, event};
use crate::support::payload::Payload;

/// A number that the compiler knows nothing about.
struct Number(u64);

#[provide(lifespan)]
fn stays() -> Number {
    Number(std::hint::black_box(0))
}

#[provide]
fn made() -> Number {
    Number(std::hint::black_box(0))
}

event!(SyncOnLifespan);
event!(AsyncOnLifespan);
event!(NowOnLifespan);
event!(SyncOnCall);
event!(AsyncOnCall);

#[on]
fn sync_on_lifespan(event: &SyncOnLifespan, #[depends(stays)] number: &Number) {
    event.0.add(number.0);
}

#[on]
async fn async_on_lifespan(event: &AsyncOnLifespan, #[depends(stays)] number: &Number) {
    event.0.add(number.0);
}

#[on(now)]
fn now_on_lifespan(event: &NowOnLifespan, #[depends(stays)] number: &Number) {
    event.0.add(number.0);
}

#[on]
fn sync_on_call(event: &SyncOnCall, #[depends(made)] number: &Number) {
    event.0.add(number.0);
}

#[on]
async fn async_on_call(event: &AsyncOnCall, #[depends(made)] number: &Number) {
    event.0.add(number.0);
}

const SYNC: &[SyncCall] = &[|payload| payload.add(0)];
const ASYNC: &[AsyncCall] = &[|payload| Box::pin(async { payload.add(0) })];

impl SyncLoad for SyncOnLifespan {
    const CALLS: &[SyncCall] = SYNC;
}

impl AsyncLoad for AsyncOnLifespan {
    const CALLS: &[AsyncCall] = ASYNC;
}

impl SyncLoad for NowOnLifespan {
    const CALLS: &[SyncCall] = SYNC;
}

impl SyncLoad for SyncOnCall {
    const CALLS: &[SyncCall] = SYNC;
}

impl AsyncLoad for AsyncOnCall {
    const CALLS: &[AsyncCall] = ASYNC;
}
