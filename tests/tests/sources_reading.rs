//! By which task messages are read and handled, and what one of them that goes wrong costs the others.

mod support;

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use events::{
    Envelope, Event, Failure, Format, FormatError, Incoming, Lifespan, LifespanBuilder, Mark, Memory, Message,
    Received, ScopeValue, Settle, Settlement, Source, SourceError, SourceExt as _, State, on,
};
use serde::{Deserialize, Deserializer};
use support::Log;
use tokio::sync::Notify;
use tokio::time::sleep;

#[on(failure)]
fn failed(failure: &Failure, log: State<Log>) {
    log.write(format!("failure: {}", failure.cause()));
}

fn message(body: &impl ToString) -> Message {
    Message { body: body.to_string().into(), ..Message::default() }
}

fn kitchen(bodies: impl IntoIterator<Item: ToString>) -> Memory {
    let memory = Memory::new();
    for body in bodies {
        memory.put("kitchen", message(&body)).expect("there is room");
    }
    memory
}

async fn start(builder: LifespanBuilder) -> (Lifespan, State<Log>) {
    support::start_with(builder.state(Meeting::default()).state(Notify::new())).await
}

/// Waits until a queue is empty, which may take as long as the machine needs, but not for ever.
async fn drained(memory: &Memory) {
    for _ in 0..60_000 {
        if memory.len("kitchen") == 0 {
            return;
        }
        sleep(Duration::from_millis(1)).await;
    }
    panic!("{} messages are left", memory.len("kitchen"));
}

fn rejected(memory: &Memory) -> Vec<String> {
    let text = |message: Message| String::from_utf8(message.body).expect("text");
    memory.take_rejected("kitchen").into_iter().map(text).collect()
}

/// A number that cannot always be read.
#[derive(Event)]
struct Touchy(u32);

impl<'de> Deserialize<'de> for Touchy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(deserializer)?;
        assert!(number != 13, "bad luck");
        Ok(Self(number))
    }
}

#[on]
async fn touch(event: &Touchy, log: State<Log>) {
    log.write(format!("touched {}", event.0));
}

/// A format that panics over what it does not know.
struct Numbers;

impl Format for Numbers {
    fn encode(&self, _: &Envelope) -> Result<Message, FormatError> {
        Err(FormatError::new("nothing is written"))
    }

    fn decode(&self, message: &Message) -> Result<Envelope, FormatError> {
        assert!(message.body.iter().all(u8::is_ascii_digit), "no number");
        Ok(Envelope::new("touchy", message.body.clone()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_format_and_a_payload_that_panic_cost_one_message_each() {
    for concurrency in [1, 100] {
        let memory = kitchen(["seven", "13", "7"]);
        let source = memory.source("kitchen").format(Numbers).concurrency(concurrency);
        let (app, log) = start(Lifespan::builder().source(source)).await;
        drained(&memory).await;
        app.shutdown().await.expect("from outside");
        let mut lines = log.take();
        lines.sort();
        assert_eq!(lines, ["failure: it panicked: bad luck", "failure: it panicked: no number", "touched 7"]);
        assert_eq!(rejected(&memory), ["seven", "13"]);
    }
}

#[derive(Event, Deserialize)]
struct Counted(u32);

#[on]
async fn count(event: &Counted, log: State<Log>) {
    log.write(format!("counted {}", event.0));
}

#[tokio::test(start_paused = true)]
async fn handlers_that_never_wait_leave_the_thread_to_others() {
    let memory = kitchen(0..2000);
    let (app, log) = start(Lifespan::builder().source(memory.source("kitchen").named("counted"))).await;
    let mut turns = 0;
    while memory.len("kitchen") > 0 {
        turns += 1;
        tokio::task::yield_now().await;
    }
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take().len(), 2000);
    assert!(turns >= 10, "{turns} turns");
}

/// Handlers that meet each other, or nobody within a minute.
#[derive(Default)]
struct Meeting {
    came: Mutex<u32>,
    changed: Condvar,
}

#[derive(Event, Deserialize)]
struct Met;

#[on]
fn meet(_: &Met, meeting: State<Meeting>, log: State<Log>) {
    let mut came = meeting.came.lock().expect("nobody panics");
    *came += 1;
    meeting.changed.notify_all();
    let patience = Duration::from_mins(1);
    let (came, _) = meeting.changed.wait_timeout_while(came, patience, |came| *came < 2).expect("nobody panics");
    log.write(format!("{came} met"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_threads_handle_messages_at_a_time() {
    let memory = kitchen(["null"; 2]);
    let (app, log) = start(Lifespan::builder().source(memory.source("kitchen").named("met"))).await;
    drained(&memory).await;
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["2 met", "2 met"]);
}

#[derive(Event, Deserialize)]
struct Slow(u32);

#[on]
async fn slow(event: &Slow, log: State<Log>) {
    log.write(format!("begun {}", event.0));
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    log.write(format!("ended {}", event.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_one_place_messages_follow_each_other() {
    let memory = kitchen(1..=3);
    let source = memory.source("kitchen").named("slow").concurrency(1);
    let (app, log) = start(Lifespan::builder().source(source)).await;
    drained(&memory).await;
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["begun 1", "ended 1", "begun 2", "ended 2", "begun 3", "ended 3"]);
}

#[derive(Event, Deserialize)]
#[event(prefix = "knock-")]
enum Knock {
    Wait,
    Come,
}

#[on]
async fn knock(event: &Knock, door: State<Notify>, log: State<Log>) {
    match event {
        Knock::Wait => door.notified().await,
        Knock::Come => door.notify_one(),
    }
    log.write(event.name());
}

#[tokio::test(start_paused = true)]
async fn what_waits_keeps_no_other_message_from_being_read() {
    let memory = Memory::new();
    for name in ["knock-wait", "knock-come"] {
        let headers = vec![("kind".to_owned(), name.to_owned())];
        memory.put("kitchen", Message { headers, ..message(&"null") }).expect("there is room");
    }
    let source = memory.source("kitchen").named_by_header("kind").concurrency(2);
    let (app, log) = start(Lifespan::builder().source(source)).await;
    drained(&memory).await;
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["knock-come", "knock-wait"]);
}

#[derive(Event, Deserialize)]
struct Seen(u32);

#[on(now)]
fn at_once(event: &Seen, mark: Mark, raw: ScopeValue<Message>, log: State<Log>) {
    log.write(format!("at once {}", raw.body.len()));
    if event.0 == 1 {
        mark.reject();
    }
}

#[on(blocking)]
fn elsewhere(event: &Seen, mark: Mark, raw: ScopeValue<Message>, log: State<Log>) {
    log.write(format!("elsewhere {}", raw.body.len()));
    if event.0 == 2 {
        mark.reject();
    }
}

#[tokio::test]
async fn handlers_of_all_kinds_see_the_message_and_mark_it() {
    let memory = kitchen([1, 2, 3]);
    let (app, log) = start(Lifespan::builder().source(memory.source("kitchen").named("seen"))).await;
    drained(&memory).await;
    app.shutdown().await.expect("from outside");
    let mut rejected = rejected(&memory);
    rejected.sort();
    assert_eq!(rejected, ["1", "2"]);
    assert_eq!((log.count("at once 1"), log.count("elsewhere 1")), (3, 3));
}

/// Messages whose settlements go wrong in all ways.
struct Faulty(Arc<Mutex<Vec<u32>>>);

struct FaultyIncoming {
    next: u32,
    settled: Arc<Mutex<Vec<u32>>>,
}

impl Source for Faulty {
    type Incoming = FaultyIncoming;

    fn address(&self) -> String {
        "faulty".into()
    }

    async fn connect(&self, _prefetch: usize) -> Result<FaultyIncoming, SourceError> {
        Ok(FaultyIncoming { next: 0, settled: Arc::clone(&self.0) })
    }
}

impl Incoming for FaultyIncoming {
    type Settle = FaultySettle;

    async fn next(&mut self) -> Result<Received<FaultySettle>, SourceError> {
        let (number, settled) = (self.next, Arc::clone(&self.settled));
        if number > 5 {
            return std::future::pending().await;
        }
        self.next += 1;
        Ok(Received::new(message(&number), FaultySettle { number, settled }))
    }
}

struct FaultySettle {
    number: u32,
    settled: Arc<Mutex<Vec<u32>>>,
}

impl Settle for FaultySettle {
    async fn settle(self, _: Settlement) -> Result<(), SourceError> {
        self.settled.lock().expect("nobody panics").push(self.number);
        match self.number {
            1 => return Err(SourceError::new("it was lost")),
            2 => panic!("no way"),
            3 => std::future::pending().await,
            4 => sleep(Duration::from_secs(29)).await,
            _ => {}
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_goes_wrong_is_told_and_touches_no_other_message() {
    for concurrency in [1, 100] {
        let settled = Arc::default();
        let source = Faulty(Arc::clone(&settled)).named("counted").concurrency(concurrency);
        let (app, log) = start(Lifespan::builder().source(source)).await;
        sleep(Duration::from_mins(1)).await;
        app.shutdown().await.expect("from outside");
        let mut failures = log.take();
        failures.retain(|line| line.starts_with("failure"));
        assert_eq!(
            failures,
            [
                "failure: a message could not be settled by ack: it was lost",
                "failure: a message could not be settled by ack: it panicked: no way",
                "failure: a message could not be settled by ack: it took longer than 30s",
            ]
        );
        assert_eq!(*settled.lock().expect("nobody panics"), [0, 1, 2, 3, 4, 5], "each once");
    }
}
