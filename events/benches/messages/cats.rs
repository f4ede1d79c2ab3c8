//! The events, their handlers, and who is told when the last one has run.

use std::sync::atomic::{AtomicU32, Ordering};

use events::{Event, on};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use crate::support::payload;

/// Events whose end somebody waits for.
pub(crate) trait Told {
    const JSON: &'static str;

    fn left() -> &'static Left;

    /// Counts so many events down; who answers is told after the last one.
    fn expect(times: u32) -> &'static Notify {
        let Left { count, none } = Self::left();
        count.store(times, Ordering::Relaxed);
        none
    }

    /// One of them has been handled.
    fn end() {
        let Left { count, none } = Self::left();
        if count.fetch_sub(1, Ordering::Relaxed) == 1 {
            none.notify_one();
        }
    }
}

/// An event that is written as JSON, and what its handler does.
pub(crate) trait Kind: Told + Event + DeserializeOwned {
    /// Whether its handler waits once.
    const WAITS: bool = false;

    fn act(&self);

    /// What a handler does.
    fn handle(&self) {
        self.act();
        Self::end();
    }
}

/// How many events have not been handled.
pub(crate) struct Left {
    count: AtomicU32,
    none: Notify,
}

impl Left {
    pub(super) const fn none() -> Self {
        Self { count: AtomicU32::new(0), none: Notify::const_new() }
    }
}

/// Numbers alone, so that nothing but the event itself is allocated for them.
pub(super) const NUMBERS: &str =
    r#"{"cat":184467440,"fish":2,"grams":1250,"room":17,"bowl":4,"at":1763798400123,"cents":1999}"#;
/// As many bytes, and one text.
const TEXT: &str = r#"{"cat":184467440,"fish":2,"grams":1250,"name":"Thomasina of the Seven Seas","cents":1999}"#;

macro_rules! told {
    ($event:ident, $json:expr) => {
        impl Told for $event {
            const JSON: &'static str = $json;

            fn left() -> &'static Left {
                static LEFT: Left = Left::none();
                &LEFT
            }
        }
    };
}

pub(super) use told;

macro_rules! numbers {
    ($event:ident, $waits:literal) => {
        #[derive(Event, Deserialize)]
        pub(crate) struct $event {
            cat: u64,
            fish: u32,
            grams: u32,
            room: u32,
            bowl: u32,
            at: u64,
            cents: u64,
        }

        told!($event, NUMBERS);

        impl Kind for $event {
            const WAITS: bool = $waits;

            fn act(&self) {
                let small = self.fish + self.grams + self.room + self.bowl;
                payload::add(self.cat + u64::from(small) + self.at + self.cents);
            }
        }
    };
}

numbers!(Sync, false);
numbers!(Async, false);
numbers!(Waiting, true);

/// Two numbers: about the least that anybody sends.
const SMALL: &str = r#"{"id":1000000,"quantity":37}"#;

#[derive(Event, Deserialize)]
pub(crate) struct Small {
    id: u64,
    quantity: u32,
}

told!(Small, SMALL);

impl Kind for Small {
    fn act(&self) {
        payload::add(self.id + u64::from(self.quantity));
    }
}

#[derive(Event, Deserialize)]
pub(crate) struct Text {
    cat: u64,
    fish: u32,
    grams: u32,
    name: String,
    cents: u64,
}

told!(Text, TEXT);

impl Kind for Text {
    fn act(&self) {
        let small = self.fish + self.grams;
        payload::add(self.cat + u64::from(small) + self.name.len() as u64 + self.cents);
    }
}

#[on]
fn on_sync(event: &Sync) {
    event.handle();
}

#[on]
async fn on_async(event: &Async) {
    event.handle();
}

#[on]
async fn on_waiting(event: &Waiting) {
    tokio::task::yield_now().await;
    event.handle();
}

#[on]
async fn on_small(event: &Small) {
    event.handle();
}

#[on]
async fn on_text(event: &Text) {
    event.handle();
}
