//! Messages that wait in a queue, and ways to have each of them handled.

mod by_hand;
mod cats;
mod raw;

use events::{
    CloudEvents, ConfiguredSource, Envelope, Format, Lifespan, Memory, MemorySource, Message, Pair, SourceExt,
};

use crate::support::operation::Work;
use cats::{Kind, Told};

/// The messages wait; what is left is to handle them.
pub(crate) type Prepared = Work;

/// One way to handle so many messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) label: &'static str,
    pub(crate) prepare: fn(u32) -> Prepared,
}

/// Ways to do the same work: the library's first, then what it is compared with.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) ways: Vec<Way>,
}

impl Question {
    fn new<K: Kind>(name: &'static str, events: fn(u32) -> Prepared) -> Self {
        let ways = vec![
            Way { label: "events", prepare: events },
            Way { label: "by-hand", prepare: by_hand::table::<K> },
            Way { label: "spawn-each", prepare: by_hand::spawn_each::<K> },
        ];
        Self { name, ways }
    }

    fn raw(name: &'static str, events: fn(u32) -> Prepared, by_hand: fn(u32) -> Prepared) -> Self {
        Self { name, ways: vec![Way { label: "events", prepare: events }, Way { label: "by-hand", prepare: by_hand }] }
    }
}

pub(crate) fn all() -> Vec<Question> {
    vec![
        Question::new::<cats::Small>("named-small-1", named::<cats::Small, 1>),
        Question::new::<cats::Small>("named-small-100", named::<cats::Small, 100>),
        Question::new::<cats::Sync>("named-sync-1", named::<cats::Sync, 1>),
        Question::new::<cats::Async>("named-async-1", named::<cats::Async, 1>),
        Question::new::<cats::Async>("named-async-100", named::<cats::Async, 100>),
        Question::new::<cats::Waiting>("named-waiting-1", named::<cats::Waiting, 1>),
        Question::new::<cats::Waiting>("named-waiting-100", named::<cats::Waiting, 100>),
        Question::new::<cats::Text>("named-text-100", named::<cats::Text, 100>),
        Question::raw("raw-any-1", raw::any, raw::raw_by_hand::<raw::Any>),
        Question::raw("raw-json-1", raw::json, raw::raw_by_hand::<raw::Json>),
        Question::raw("raw-view-1", raw::view, raw::view_by_hand),
        Question::new::<cats::Async>("pair-async-1", formatted::<PairOf, cats::Async, 1>),
        Question::new::<cats::Async>("pair-async-100", formatted::<PairOf, cats::Async, 100>),
        Question::new::<cats::Async>("cloud-async-1", formatted::<CloudOf, cats::Async, 1>),
        Question::new::<cats::Async>("cloud-async-100", formatted::<CloudOf, cats::Async, 100>),
    ]
}

/// So many messages wait in all, however many of them are handled: to put them in costs the same in each run.
pub(crate) const WAITING: u32 = 8192;

/// Has a lifespan handle the messages of a queue, and settle them.
fn handled<T: Told>(
    message: &Message,
    times: u32,
    source: impl FnOnce(MemorySource) -> ConfiguredSource<MemorySource>,
) -> Prepared {
    let memory = Memory::new();
    for number in 0..WAITING {
        let queue = if number < times { "cats" } else { "others" };
        memory.put(queue, message.clone()).expect("there is room");
    }
    let source = source(memory.source("cats"));
    Box::pin(async move {
        let told = T::expect(times);
        let app = Lifespan::builder().source(source).start().await.expect("the declarations are sound");
        told.notified().await;
        app.shutdown().await.expect("it ends from outside");
        assert_eq!(memory.len("cats"), 0, "each is settled");
        // To drop what was not handled would count for less in the longer run.
        std::mem::forget(memory);
    })
}

fn named<K: Kind, const CONCURRENCY: usize>(times: u32) -> Prepared {
    handled_by_name::<K, CONCURRENCY>(K::NAMES[0], times)
}

fn handled_by_name<T: Told, const CONCURRENCY: usize>(name: &'static str, times: u32) -> Prepared {
    let message = Message { body: T::JSON.into(), ..Message::default() };
    handled::<T>(&message, times, |source| source.named(name).concurrency(CONCURRENCY))
}

/// A format, and an event as others write it.
trait Written {
    type Format: Format;
    const FORMAT: Self::Format;
}

struct PairOf;

impl Written for PairOf {
    type Format = Pair;
    const FORMAT: Pair = Pair;
}

struct CloudOf;

impl Written for CloudOf {
    type Format = CloudEvents;
    const FORMAT: CloudEvents = CloudEvents::binary();
}

/// Every message has an identity, an origin, a time and a correlation, as one from a sink has.
fn formatted<W: Written, K: Kind, const CONCURRENCY: usize>(times: u32) -> Prepared {
    let envelope = Envelope::new(K::NAMES[0], K::JSON).with_id("5f0f6e4e00c1d2b3-17").with_origin("/cafe");
    let message = W::FORMAT.encode(&envelope.with_version(1)).expect("it can be written");
    handled::<K>(&message, times, |source| source.format(W::FORMAT).concurrency(CONCURRENCY))
}
