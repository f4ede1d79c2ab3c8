//! What events have in common that brokers keep in order.

mod support;

use std::fmt;
use std::sync::{Arc, Mutex};

use events::{
    AnyEvent, CloudEvents, Envelope, Event, Failure, Format as _, Lifespan, LifespanBuilder, Memory, Sink, SinkError,
    State, dispatch, on,
};
use serde::{Deserialize, Serialize, Serializer};
use support::Log;

/// The name and the key of an event that was sent.
type Sent = (String, Option<String>);

/// What was sent, each event with the same key in what `CloudEvents` make of it.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Sent>>>);

impl Seen {
    fn take(&self) -> Vec<Sent> {
        std::mem::take(&mut *self.0.lock().expect("nobody panics"))
    }
}

impl Sink for Seen {
    async fn send(&self, envelope: &Envelope) -> Result<(), SinkError> {
        let key = envelope.partition_key();
        let message = CloudEvents::structured().encode(envelope)?;
        let written: serde_json::Value = serde_json::from_slice(&message.body)?;
        assert_eq!(written.get("partitionkey").and_then(|key| key.as_str()), key);
        self.0.lock().expect("nobody panics").push((envelope.name().into(), key.map(Into::into)));
        Ok(())
    }
}

fn pairs(expected: &[(&str, Option<&str>)]) -> Vec<Sent> {
    expected.iter().map(|(name, key)| ((*name).into(), key.map(Into::into))).collect()
}

async fn start(builder: LifespanBuilder) -> (Lifespan, State<Log>) {
    support::start_with(builder.origin("/keys")).await
}

#[derive(Event, Serialize, Deserialize)]
struct OrderPlaced {
    fish: u32,
    #[event(partition_key)]
    r#for: String,
}

#[derive(Event, Serialize, Deserialize)]
struct Weighed(u32, #[event(partition_key)] u64);

#[derive(Event, Serialize, Deserialize)]
#[event(prefix = "box-")]
enum Boxes {
    Moved {
        #[event(partition_key)]
        shelf: u8,
    },
    Kept(#[event(partition_key)] char),
    Lost {
        shelf: u8,
    },
    Burnt,
}

#[tokio::test]
async fn the_marked_field_of_a_struct_and_of_each_variant_is_the_key() {
    let seen = Seen::default();
    let (app, _) = start(Lifespan::builder().sink("*", seen.clone())).await;
    let dispatching = async {
        dispatch(OrderPlaced { fish: 2, r#for: "Tom".into() })?;
        dispatch(OrderPlaced { fish: 2, r#for: String::new() })?;
        dispatch(Weighed(2, u64::MAX))?;
        dispatch(Boxes::Moved { shelf: 7 })?;
        dispatch(Boxes::Kept('k'))?;
        dispatch(Boxes::Lost { shelf: 7 })?;
        dispatch(Boxes::Burnt)
    };
    app.scope(dispatching).await.expect("all are accepted");
    assert!(app.shutdown().await.expect("from outside").failed == 0);
    let expected = [
        ("order-placed", Some("Tom")),
        ("order-placed", None),
        ("weighed", Some("18446744073709551615")),
        ("box-moved", Some("7")),
        ("box-kept", Some("k")),
        ("box-lost", None),
        ("box-burnt", None),
    ];
    assert_eq!(seen.take(), pairs(&expected));
}

#[derive(Event, Serialize, Deserialize)]
struct Begun;

#[derive(Event, Serialize)]
struct Followed;

#[on]
fn begun(_: &Begun) -> Followed {
    Followed
}

#[tokio::test]
async fn what_came_in_with_a_key_goes_on_with_it_unless_its_type_says_another_one() {
    let (memory, seen) = (Memory::new(), Seen::default());
    let message = |name: &str, body: &str| {
        let envelope = Envelope::new(name, body).with_id(name).with_origin("/elsewhere").with_partition_key("brought");
        CloudEvents::binary().encode(&envelope).expect("a good envelope")
    };
    for (name, body) in [("begun", "null"), ("unheard-of", "1"), ("order-placed", r#"{"fish":1,"for":"Tom"}"#)] {
        memory.put("in", message(name, body)).expect("there is room");
    }
    let everything = async |_: AnyEvent| {};
    let builder = Lifespan::builder().source(memory.source("in")).on_pattern("*", everything);
    let (app, _) = start(builder.sink("*", seen.clone())).await;
    while memory.len("in") > 0 {
        tokio::task::yield_now().await;
    }
    app.shutdown().await.expect("from outside");
    let mut seen = seen.take();
    seen.sort();
    let (brought, own) = (Some("brought"), Some("Tom"));
    assert_eq!(
        seen,
        pairs(&[("begun", brought), ("followed", None), ("order-placed", own), ("unheard-of", brought)]),
        "what a handler dispatches is another event"
    );
}

/// How a value fails that the user's own code writes.
#[derive(Deserialize)]
enum Odd {
    Silent,
    Panics,
}

impl fmt::Display for Odd {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => Err(fmt::Error),
            Self::Panics => panic!("no key"),
        }
    }
}

impl Serialize for Odd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

#[derive(Event, Serialize)]
struct OddPlaced(#[event(partition_key)] Odd, u32);

#[derive(Event)]
struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("no payload")
    }
}

#[on(failure)]
fn failed(failure: &Failure, log: State<Log>) {
    log.write(failure.cause().to_string());
}

#[tokio::test]
async fn what_cannot_be_written_is_a_failure_and_keeps_no_other_event_back() {
    let seen = Seen::default();
    let (app, log) = start(Lifespan::builder().sink("*", seen.clone())).await;
    let dispatching = async {
        dispatch(OddPlaced(Odd::Silent, 1))?;
        dispatch(OddPlaced(Odd::Panics, 2))?;
        dispatch(Unwritable)?;
        dispatch(Boxes::Burnt)
    };
    app.scope(dispatching).await.expect("all are accepted");
    app.shutdown().await.expect("from outside");
    assert_eq!(seen.take(), pairs(&[("box-burnt", None)]));
    let told =
        ["the partition key of `odd-placed` could not be written", "it panicked: no key", "it panicked: no payload"];
    assert_eq!(log.take(), told);
}
