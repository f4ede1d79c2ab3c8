//! Requests to a service, with the layer and without it.

pub(crate) mod call;
mod serve;

use events::{Event, dispatch, on};

use crate::support::operation::Question;
use crate::support::payload::{self, Payload};

/// How the work of an event is done.
pub(crate) const LAYER: u8 = 0;
pub(crate) const BARE: u8 = 1;
const SPAWN_EACH: u8 = 2;

pub(crate) fn all() -> Vec<Question> {
    vec![
        Question::new("call-0", call::run::<LAYER, 0>).beside("bare", call::run::<BARE, 0>),
        calls::<1>("call-1"),
        calls::<5>("call-5"),
        Question::new("serve-0", serve::run::<LAYER, 0, 1>).beside("bare", serve::run::<BARE, 0, 1>),
        serves::<1, 1>("serve-1"),
        serves::<5, 1>("serve-5"),
        Question::new("serve-16-0", serve::run::<LAYER, 0, 16>).beside("bare", serve::run::<BARE, 0, 16>),
        serves::<1, 16>("serve-16-1"),
        serves::<5, 16>("serve-16-5"),
    ]
}

fn calls<const EVENTS: u32>(name: &'static str) -> Question {
    Question::new(name, call::run::<LAYER, EVENTS>)
        .beside("bare", call::run::<BARE, EVENTS>)
        .beside("spawn-each", call::run::<SPAWN_EACH, EVENTS>)
}

fn serves<const EVENTS: u32, const CLIENTS: u32>(name: &'static str) -> Question {
    Question::new(name, serve::run::<LAYER, EVENTS, CLIENTS>)
        .beside("bare", serve::run::<BARE, EVENTS, CLIENTS>)
        .beside("spawn-each", serve::run::<SPAWN_EACH, EVENTS, CLIENTS>)
}

#[derive(Event)]
struct Requested(Payload);

#[on]
fn count(event: &Requested) {
    event.0.add(0);
}

/// What the service does in a request, one way or another.
fn act<const WAY: u8, const EVENTS: u32>() {
    for _ in 0..EVENTS {
        let payload = Payload::new();
        match WAY {
            LAYER => dispatch(Requested(payload)).expect("a lifespan that is open takes events"),
            BARE => payload.add(0),
            _ => drop(tokio::spawn(async move { payload.add(0) })),
        }
    }
}

/// Waits until all events that were sent have been handled.
struct Handled {
    expected: u64,
    /// What each of them adds to the total.
    each: u64,
}

impl Handled {
    fn new() -> Self {
        let before = payload::total();
        Payload::new().add(0);
        let expected = payload::total();
        Self { expected, each: expected - before }
    }

    async fn until(&mut self, more_events: u32) {
        self.expected += u64::from(more_events) * self.each;
        while payload::total() < self.expected {
            tokio::task::yield_now().await;
        }
    }
}
