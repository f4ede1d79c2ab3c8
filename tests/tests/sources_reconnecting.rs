//! How sources come back to a broker that was lost, and when.

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use events::{
    Event, Incoming, Lifespan, Memory, Message, Received, Settlement, Source, SourceError, SourceExt as _, State, on,
};
use serde::Deserialize;
use support::{Log, start_with};
use tokio::time::Instant;

#[derive(Event, Deserialize)]
struct CatFed {
    fish: u32,
}

#[on]
async fn count(event: &CatFed, log: State<Log>) {
    log.write(format!("fed {}", event.fish));
}

fn message(body: &str) -> Message {
    Message { body: body.into(), ..Message::default() }
}

/// A broker with a message in `kitchen`.
fn kitchen(body: &str) -> Memory {
    let memory = Memory::new();
    memory.put("kitchen", message(body)).expect("there is room");
    memory
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_lost_is_made_again_and_nothing_is_lost() {
    let memory = kitchen(r#"{"fish":2}"#);
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&attempts);
    let source = memory.source("kitchen").named("cat-fed").on_attempt(move |error, attempt| {
        told.lock().expect("nobody panics").push(format!("{attempt} {error}"));
    });
    memory.interrupt();
    let (app, log) = start_with(Lifespan::builder().source(source)).await;
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(memory.len("kitchen"), 1);
    memory.restore();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!((memory.len("kitchen"), log.count("fed 2")), (0, 1));
    let before = attempts.lock().expect("nobody panics").len();
    memory.interrupt();
    memory.restore();
    memory.put("kitchen", message(r#"{"fish":3}"#)).expect("there is room");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!((memory.len("kitchen"), log.count("fed 3")), (0, 1));
    let attempts = attempts.lock().expect("nobody panics").split_off(before);
    assert_eq!(attempts, ["1 the connection was closed"], "counted anew");
    app.shutdown().await.expect("from outside");
}

#[tokio::test(start_paused = true)]
async fn the_pauses_between_attempts_can_be_chosen() {
    let memory = kitchen(r#"{"fish":2}"#);
    memory.interrupt();
    let (begun, attempts) = (Instant::now(), Arc::new(Mutex::new(Vec::new())));
    let told = Arc::clone(&attempts);
    let pauses = Duration::from_mins(1)..=Duration::from_mins(1);
    let source = memory.source("kitchen").named("cat-fed").backoff(pauses).on_attempt(move |_, attempt| {
        told.lock().expect("nobody panics").push((attempt, begun.elapsed().as_secs()));
    });
    let (app, log) = start_with(Lifespan::builder().source(source)).await;
    tokio::time::sleep(Duration::from_secs(150)).await;
    assert_eq!(*attempts.lock().expect("nobody panics"), [(1, 0), (2, 60), (3, 120)]);
    memory.restore();
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert_eq!(log.count("fed 2"), 0);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(log.count("fed 2"), 1);
    app.shutdown().await.expect("from outside");
}

/// A source whose every attempt fails in the way that a test says.
struct Unreachable<F>(F);

impl<F: Fn() -> SourceError + Send + Sync + 'static> Source for Unreachable<F> {
    type Incoming = <events::MemorySource as Source>::Incoming;

    fn address(&self) -> String {
        "nowhere".into()
    }

    async fn connect(&self, _: usize) -> Result<Self::Incoming, SourceError> {
        Err((self.0)())
    }
}

/// A source whose every connection ends before it has brought anything, after a while.
struct Breaking(Duration);

struct Broken(Duration);

impl Source for Breaking {
    type Incoming = Broken;

    fn address(&self) -> String {
        "breaking".into()
    }

    async fn connect(&self, _: usize) -> Result<Broken, SourceError> {
        Ok(Broken(self.0))
    }
}

impl Incoming for Broken {
    type Settle = fn(Settlement) -> std::future::Ready<Result<(), SourceError>>;

    async fn next(&mut self) -> Result<Received<Self::Settle>, SourceError> {
        tokio::time::sleep(self.0).await;
        Err("a message breaks it".into())
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_whose_connections_are_of_no_use_slows_down_all_the_same() {
    let lost = async |lasts: Duration| {
        let count = Arc::new(Mutex::new(0));
        let counting = Arc::clone(&count);
        let source = Breaking(lasts).on_attempt(move |_, attempt| {
            assert_eq!(attempt, 1, "each has had a connection before");
            *counting.lock().expect("nobody panics") += 1;
        });
        let (app, _) = start_with(Lifespan::builder().source(source)).await;
        tokio::time::sleep(Duration::from_mins(10)).await;
        app.shutdown().await.expect("from outside");
        *count.lock().expect("nobody panics")
    };
    // 5 s to 10 s apart in the end, and 100 ms to 200 ms where they last.
    let count = lost(Duration::from_millis(1)).await;
    assert!((60..=130).contains(&count), "{count}");
    let count = lost(Duration::from_secs(11)).await;
    assert!((53..=55).contains(&count), "{count}");
}

/// When each attempt was made, in milliseconds, of those in the first ten minutes.
async fn attempts(error: impl Fn() -> SourceError + Send + Sync + 'static) -> Vec<u128> {
    let (attempts, begun) = (Arc::new(Mutex::new(Vec::new())), Instant::now());
    let told = Arc::clone(&attempts);
    let pauses = Duration::from_secs(1)..=Duration::from_secs(1);
    let source = Unreachable(error).backoff(pauses).on_attempt(move |_, _| {
        told.lock().expect("nobody panics").push(begun.elapsed().as_millis());
    });
    let (app, _) = start_with(Lifespan::builder().source(source)).await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert!(app.shutdown().await.expect("from outside").is_clean());
    attempts.lock().expect("nobody panics").clone()
}

#[tokio::test(start_paused = true)]
async fn a_source_may_ask_to_be_left_alone_and_may_end() {
    let pause = |seconds| SourceError::new("busy").with_retry_after(Duration::from_secs(seconds));
    let asked = attempts(move || pause(250)).await;
    assert!(asked.len() == 3 && asked.windows(2).all(|two| two[1] - two[0] >= 250_000), "{asked:?}");
    assert!(attempts(move || pause(0)).await.len() > 500, "its own pauses count where they are longer");
    assert_eq!(attempts(|| SourceError::permanent("it is over")).await.len(), 1);
}

#[derive(Event, Deserialize)]
struct Slow;

#[on]
async fn slow(_: &Slow, log: State<Log>) {
    log.write("begun");
    tokio::time::sleep(Duration::from_secs(1)).await;
    log.write("ended");
}

#[tokio::test(start_paused = true)]
async fn those_at_work_keep_their_places_when_the_connection_is_made_again() {
    let memory = kitchen("null");
    let (app, log) =
        start_with(Lifespan::builder().source(memory.source("kitchen").named("slow").concurrency(2))).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    memory.interrupt();
    memory.restore();
    memory.put("kitchen", message("null")).expect("there is room");
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(log.take(), ["begun", "begun"], "the first again; the second waits");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(log.take(), ["ended", "begun"]);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!((log.take().len(), memory.len("kitchen")), (2, 0));
    app.shutdown().await.expect("from outside");
}
