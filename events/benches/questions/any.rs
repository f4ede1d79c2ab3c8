//! Handlers that take an event of any type, and what its JSON costs.

use std::hint::black_box;

use events::{AnyEvent, Event, Lifespan, View, dispatch, on};
use serde::{Deserialize, Serialize};

use crate::support::operation::Work;
use crate::support::payload;

macro_rules! seen {
    ($event:ident) => {
        #[derive(Event, Serialize)]
        pub(crate) struct $event {
            cat: u64,
            grams: u32,
            name: &'static str,
        }

        impl Seen for $event {
            fn new() -> Self {
                Self { cat: black_box(184_467), grams: black_box(1250), name: black_box("Thomasina") }
            }
        }
    };
}

/// An event, three fields in 47 bytes of JSON.
pub(crate) trait Seen: Event + Serialize {
    fn new() -> Self;
}

seen!(SeenAsAny);
seen!(SeenAsJson);
seen!(SeenAsView);

/// All that a view asks for.
#[derive(Deserialize)]
struct HasGrams {
    cat: u64,
    grams: u32,
}

#[on("seen-as-any")]
fn on_any(event: &AnyEvent) {
    payload::add(event.name().len() as u64);
}

#[on("seen-as-json")]
fn on_json(event: &AnyEvent) {
    payload::add(event.json().get().map_or(0, str::len) as u64);
}

#[on("seen-as-view")]
fn on_view(event: View<HasGrams>) {
    payload::add(event.cat + u64::from(event.grams));
}

pub(crate) fn scope<E: Seen>(app: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            app.scope(async { dispatch(E::new()) }).await.expect("a lifespan that is open takes events");
        }
    })
}

/// What the handlers do, with the event at hand.
pub(crate) fn by_hand<E: Seen>(_: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            let event = Box::new(E::new());
            let call: fn(&E) = black_box(|_| payload::add(black_box(E::NAMES[0]).len() as u64));
            call(&event);
        }
    })
}

pub(crate) fn json_by_hand<E: Seen>(_: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            let json = serde_json::to_string(&*Box::new(E::new())).expect("it can be written");
            let call: fn(&str) = black_box(|json| payload::add(json.len() as u64));
            call(&json);
        }
    })
}

pub(crate) fn view_by_hand<E: Seen>(_: Lifespan, times: u32) -> Work {
    Box::pin(async move {
        for _ in 0..times {
            let json = serde_json::to_string(&*Box::new(E::new())).expect("it can be written");
            let seen: HasGrams = serde_json::from_str(&json).expect("the payload fits");
            let call: fn(HasGrams) = black_box(|seen| payload::add(seen.cat + u64::from(seen.grams)));
            call(seen);
        }
    })
}
