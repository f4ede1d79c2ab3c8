//! Every operation of the library that is measured, and what does the same work without it.

mod any;
mod baseline;
mod chain;
mod checked;
mod depends;
mod load;
mod named;

use events::{Event, Lifespan, dispatch};

use crate::support::operation::{Question, Work};
use crate::support::payload::Payload;
use load::{AsyncLoad, SyncLoad};

pub(crate) fn all() -> Vec<Question> {
    vec![
        Question::new("scope-empty", empty).beside("one-spawn", baseline::empty_spawn),
        sync::<load::Sync0, 1>("sync-0"),
        sync::<load::Sync1, 1>("sync-1"),
        sync::<load::Sync8, 1>("sync-8"),
        sync::<load::Sync64, 1>("sync-64"),
        asynchronous::<load::Async1, 1>("async-1"),
        crowd::<load::Async8>("async-8"),
        crowd::<load::Async64>("async-64"),
        asynchronous::<load::Waiting1, 1>("waiting-1"),
        crowd::<load::Waiting8>("waiting-8"),
        sync::<load::Sync1, 8>("8-events-sync-1"),
        asynchronous::<load::Async1, 8>("8-events-async-1"),
        Question::new("dispatch-0", now::<load::Sync0>),
        Question::new("disabled", disabled::<load::Sync1>),
        Question::new("now-1", now::<load::Now1>).beside("table", baseline::borrowed::<load::Now1>),
        Question::new("now-2", now::<load::Now2>).beside("table", baseline::borrowed::<load::Now2>),
        Question::new("scope-now-1", scope::<load::Now1, 1>).beside("table", baseline::borrowed::<load::Now1>),
        sync::<depends::SyncOnLifespan, 1>("sync-on-lifespan"),
        asynchronous::<depends::AsyncOnLifespan, 1>("async-on-lifespan"),
        Question::new("now-on-lifespan", now::<depends::NowOnLifespan>)
            .beside("table", baseline::borrowed::<depends::NowOnLifespan>),
        sync::<depends::SyncOnCall, 1>("sync-on-call"),
        asynchronous::<depends::AsyncOnCall, 1>("async-on-call"),
        Question::new("named-json", named::scope).beside("serde-json", named::serde_json),
        Question::new("validated", checked::validated).beside("by-hand", checked::by_hand::<true>),
        Question::new("unchecked", checked::unchecked).beside("by-hand", checked::by_hand::<false>),
        Question::new("any", any::scope::<any::SeenAsAny>).beside("by-hand", any::by_hand::<any::SeenAsAny>),
        Question::new("any-json", any::scope::<any::SeenAsJson>)
            .beside("serde-json", any::json_by_hand::<any::SeenAsJson>),
        Question::new("view", any::scope::<any::SeenAsView>).beside("serde-json", any::view_by_hand::<any::SeenAsView>),
        Question::new("chain-of-1", chain::scope).beside("one-spawn", chain::spawn),
    ]
}

fn sync<E: SyncLoad, const EVENTS: usize>(name: &'static str) -> Question {
    Question::new(name, scope::<E, EVENTS>)
        .beside("table", baseline::table::<E, EVENTS>)
        .beside("one-spawn", baseline::spawn::<E, EVENTS>)
}

fn asynchronous<E: AsyncLoad, const EVENTS: usize>(name: &'static str) -> Question {
    Question::new(name, scope::<E, EVENTS>)
        .beside("table", baseline::async_table::<E, EVENTS>)
        .beside("one-spawn", baseline::async_spawn::<E, EVENTS>)
}

fn crowd<E: AsyncLoad>(name: &'static str) -> Question {
    asynchronous::<E, 1>(name)
        .beside("join-all", baseline::join_all::<E>)
        .beside("spawn-each", baseline::spawn_each::<E>)
}

fn empty(app: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            app.scope(async {}).await;
        }
    })
}

/// A scope, entered, a number of events dispatched in it, and delivered.
fn scope<E: Event + From<Payload>, const EVENTS: usize>(app: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            app.scope(async {
                for _ in 0..EVENTS {
                    dispatch(E::from(Payload::new())).expect("a lifespan that is open takes events");
                }
            })
            .await;
        }
    })
}

/// The dispatch alone, with nothing left to deliver.
fn now<E: Event + From<Payload>>(app: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        app.scope(async {
            for _ in 0..times {
                dispatch(E::from(Payload::new())).expect("a lifespan that is open takes events");
            }
        })
        .await;
    })
}

/// The dispatch alone, of an event that has a handler, where dispatch is disabled.
fn disabled<E: Event + From<Payload>>(app: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        app.scope(async {
            app.disable_dispatch(true);
            for _ in 0..times {
                dispatch(E::from(Payload::new())).expect("events are checked, then dropped");
            }
            app.disable_dispatch(false);
        })
        .await;
    })
}
