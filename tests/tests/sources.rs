//! How messages become events, and how each is settled, over the broker inside of the process.

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use events::{
    AnyEvent, Envelope, Event, Failure, Lifespan, LifespanBuilder, Mark, Memory, Message, Metadata, ScopeValue,
    Settlement, Sink, SinkError, SinkExt as _, Source as _, SourceExt as _, State, dispatch, on,
};
use serde::{Deserialize, Serialize};
use support::Log;
use validator::Validate;

#[derive(Debug, Event, Serialize, Deserialize, Validate)]
#[event(alias = "cat_fed")]
struct CatFed {
    #[validate(range(max = 100))]
    fish: u32,
}

#[derive(Debug, Event, Serialize, Deserialize)]
struct CatPurred;

/// What each number of fish means.
#[on]
async fn count(event: &CatFed, mark: Mark, log: State<Log>) -> Result<Option<CatPurred>, String> {
    tokio::task::yield_now().await;
    log.write(format!("fed {}", event.fish));
    match event.fish {
        1 => return Ok(Some(CatPurred)),
        10 => mark.reject(),
        11 => mark.requeue(),
        12 => {
            mark.requeue();
            mark.accept();
            return Err("marked before".into());
        }
        13 => return Err("no mark".into()),
        14 => panic!("no fish"),
        _ => {}
    }
    Ok(None)
}

#[on]
fn purred(_: &CatPurred, log: State<Log>) {
    log.write("purred");
}

#[on(failure)]
fn failed(failure: &Failure, log: State<Log>) {
    log.write(format!("failure: {}", failure.cause()));
}

fn message(body: &str) -> Message {
    Message { body: body.into(), ..Message::default() }
}

async fn start(builder: LifespanBuilder) -> (Lifespan, State<Log>) {
    support::start_with(builder).await
}

/// Runs until the queue is empty or nothing changes any more.
async fn drained(memory: &Memory, queue: &str) {
    for _ in 0..10_000 {
        if memory.len(queue) == 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// A broker with a message in `kitchen` for each body.
fn kitchen(bodies: &[&str]) -> Memory {
    let memory = Memory::new();
    for body in bodies {
        memory.put("kitchen", message(body)).expect("there is room");
    }
    memory
}

fn rejected(memory: &Memory) -> Vec<String> {
    let text = |message: Message| String::from_utf8(message.body).expect("text");
    memory.take_rejected("kitchen").into_iter().map(text).collect()
}

#[tokio::test]
async fn a_message_is_an_event_with_the_same_handlers_and_is_settled_after_them() {
    let memory = kitchen(&[r#"{"fish":1}"#, r#"{"fish":2}"#]);
    let (app, log) = start(Lifespan::builder().source(memory.source("kitchen").named("cat_fed"))).await;
    drained(&memory, "kitchen").await;
    let report = app.shutdown().await.expect("from outside");
    assert_eq!((memory.len("kitchen"), report.delivered, report.failed), (0, 3, 0), "{report}");
    let lines = log.take();
    assert_eq!((lines.len(), lines.contains(&"purred".to_owned())), (3, true), "{lines:?}");
}

#[tokio::test]
async fn a_mark_wins_also_over_an_error_and_the_last_of_several() {
    let memory = kitchen(&[r#"{"fish":10}"#, r#"{"fish":12}"#]);
    let (app, _) = start(Lifespan::builder().source(memory.source("kitchen").named("cat-fed"))).await;
    drained(&memory, "kitchen").await;
    app.shutdown().await.expect("from outside");
    assert_eq!((rejected(&memory), memory.len("kitchen")), (vec![r#"{"fish":10}"#.into()], 0));
}

#[tokio::test]
async fn without_a_mark_the_settings_decide() {
    for (body, failing) in [(r#"{"fish":13}"#, "no mark"), (r#"{"fish":14}"#, "it panicked: no fish")] {
        let memory = kitchen(&[body]);
        let source = memory.source("kitchen").named("cat-fed").on_failure(Settlement::Reject);
        let (app, log) = start(Lifespan::builder().source(source)).await;
        drained(&memory, "kitchen").await;
        app.shutdown().await.expect("from outside");
        assert_eq!(rejected(&memory), [body]);
        assert_eq!(log.count(&format!("failure: {failing}")), 1);
    }
    let memory = kitchen(&[r#"{"fish":5}"#]);
    let source = memory.source("kitchen").named("cat-fed").on_success(Settlement::Reject);
    let (app, _) = start(Lifespan::builder().source(source)).await;
    drained(&memory, "kitchen").await;
    app.shutdown().await.expect("from outside");
    assert_eq!(rejected(&memory).len(), 1);
}

#[tokio::test]
async fn what_is_requeued_comes_again() {
    let memory = kitchen(&[r#"{"fish":11}"#, r#"{"fish":13}"#]);
    let (app, log) = start(Lifespan::builder().source(memory.source("kitchen").named("cat-fed"))).await;
    while log.count("fed 11") < 3 || log.count("fed 13") < 3 {
        tokio::task::yield_now().await;
    }
    app.shutdown().await.expect("from outside");
    assert_eq!((memory.len("kitchen"), rejected(&memory).len()), (2, 0), "both are there for the next one");
}

#[tokio::test]
async fn what_is_no_event_is_rejected_once_and_told() {
    let memory = kitchen(&["no json", r#"{"fish":"two"}"#, r#"{"fish":101}"#]);
    let (app, log) = start(Lifespan::builder().source(memory.source("kitchen").named("cat-fed"))).await;
    drained(&memory, "kitchen").await;
    app.shutdown().await.expect("from outside");
    assert_eq!(rejected(&memory).len(), 3);
    let mut told = log.take();
    told.sort();
    assert_eq!(
        told,
        [
            "failure: `cat-fed` is invalid: `fish`: must be at most 100, got 101 (range)",
            "failure: the payload of `cat-fed` does not fit: at `fish`: invalid type: string \"two\", expected u32 at line 1 column 13",
            "failure: the payload of `cat-fed` does not fit: expected ident at line 1 column 2",
        ]
    );
}

#[derive(Debug, Event, Deserialize)]
struct MouseSeen;

#[on(now)]
fn squeak(_: &MouseSeen) -> CatPurred {
    CatPurred
}

#[tokio::test]
async fn what_a_now_handler_of_a_message_dispatches_is_delivered() {
    let memory = kitchen(&["null"]);
    let builder = Lifespan::builder().max_pending(1).source(memory.source("kitchen").named("mouse-seen"));
    let (app, log) = start(builder).await;
    drained(&memory, "kitchen").await;
    let report = app.shutdown().await.expect("from outside");
    assert_eq!((log.take(), report.delivered, report.aborted), (vec!["purred".to_owned()], 1, 0), "{report}");
}

#[on("dog-*")]
fn dog(event: &AnyEvent, raw: ScopeValue<Message>, log: State<Log>) {
    log.write(format!("{} {} {:?}", event.name(), event.json(), raw.header("color")));
}

#[tokio::test]
async fn a_header_may_say_the_name_and_handlers_see_the_message() {
    let memory = Memory::new();
    let headers = vec![("kind".into(), "dog-barked".into()), ("color".into(), "brown".into())];
    memory.put("kitchen", Message { headers, ..message("[1]") }).expect("there is room");
    memory.put("kitchen", message("[2]")).expect("there is room");
    let (app, log) = start(Lifespan::builder().source(memory.source("kitchen").named_by_header("kind"))).await;
    drained(&memory, "kitchen").await;
    app.shutdown().await.expect("from outside");
    assert_eq!(rejected(&memory), ["[2]"]);
    assert_eq!(log.count(r#"dog-barked [1] Some("brown")"#), 1);
    assert_eq!(log.count("failure: the message has no header `kind`, which says the event's name"), 1);
}

#[derive(Debug, Event, Serialize, Deserialize)]
#[event(prefix = "chain-")]
enum Chain {
    Begun,
    Passed,
}

/// Who an event came from.
#[on("chain-*", order = 1)]
fn chain(event: &Chain, metadata: Metadata, log: State<Log>) -> Option<Chain> {
    let Metadata { .. } = &metadata;
    log.write(format!("{event:?} hops {} caused {}", metadata.hops(), metadata.causation().is_some()));
    matches!(event, Chain::Begun).then_some(Chain::Passed)
}

#[tokio::test]
async fn a_chain_goes_on_in_another_lifespan() {
    let memory = Memory::new();
    memory.bind("chains", "chain-passed");
    let (first, log) = start(Lifespan::builder().sink("chain-passed", memory.sink().only())).await;
    let begun = Arc::new(Mutex::new(None));
    first.scope(async { dispatch(Chain::Begun) }).await.expect("accepted");
    first.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["Begun hops 0 caused false"]);

    let seen = Arc::clone(&begun);
    let builder = Lifespan::builder().source(memory.source("chains")).on_pattern("chain-*", move |event: AnyEvent| {
        *seen.lock().expect("nobody panics") = Some((event.id().to_string(), event.correlation().to_string()));
        async {}
    });
    let (second, log) = start(builder).await;
    drained(&memory, "chains").await;
    second.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["Passed hops 1 caused true"]);
    let (id, correlation) = begun.lock().expect("nobody panics").clone().expect("it came");
    let (id, correlation) = (id.split_once('-').expect("ours"), correlation.split_once('-').expect("ours"));
    assert_eq!((id.0, id.1, correlation.1), (correlation.0, "2", "1"), "identities come along");
}

#[on]
async fn slow(_: &SlowEaten, log: State<Log>) {
    log.write("begun");
    tokio::time::sleep(Duration::from_secs(1)).await;
    log.write("ended");
}

#[derive(Event, Deserialize)]
struct SlowEaten;

#[tokio::test(start_paused = true)]
async fn so_many_at_a_time_and_no_more() {
    let memory = kitchen(&["null"; 10]);
    let source = memory.source("kitchen").named("slow-eaten").concurrency(3).prefetch(5);
    let (app, log) = start(Lifespan::builder().source(source)).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(log.count("begun"), 3);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((log.count("begun"), log.count("ended")), (6, 3));
    app.shutdown().await.expect("from outside");
    assert_eq!(
        (log.count("begun"), log.count("ended"), memory.len("kitchen")),
        (6, 6, 4),
        "those at work are finished"
    );
}

#[tokio::test(start_paused = true)]
async fn an_aborted_message_is_there_for_the_next_one() {
    let memory = kitchen(&["null"]);
    let (app, log) = start(Lifespan::builder().source(memory.source("kitchen").named("slow-eaten"))).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(log.count("begun"), 1);
    app.shutdown_within(Duration::ZERO).await.expect("from outside");
    assert_eq!(memory.len("kitchen"), 1);
}

#[tokio::test]
async fn two_sources_of_one_address_are_a_start_error() {
    let memory = Memory::new();
    let builder = Lifespan::builder().source(memory.source("kitchen")).source(memory.source("kitchen").prefetch(2));
    let error = builder.state(Log::default()).start().await.expect_err("one too many").to_string();
    assert!(error.contains("/kitchen`, and would take each other's messages: keep one"), "{error}");
    assert_eq!(error.matches("sources.rs:").count(), 2, "{error}");
}

/// Sends to where it is told.
struct To(String);

impl Sink for To {
    async fn send(&self, _: &Envelope) -> Result<(), SinkError> {
        Ok(())
    }

    fn address(&self) -> Option<String> {
        Some(self.0.clone())
    }
}

#[tokio::test]
async fn a_sink_that_keeps_from_handlers_what_comes_from_its_own_address_is_a_start_error() {
    let memory = Memory::new();
    let source = || memory.source("kitchen");
    let builder = Lifespan::builder().source(source()).sink("cat-*", To(source().address()).only());
    let error = builder.state(Log::default()).start().await.expect_err("nobody gets it").to_string();
    assert!(
        error.contains("`cat-*` goes only to `memory:") && error.contains("nobody would get what comes"),
        "{error}"
    );
    assert_eq!(error.matches("sources.rs:").count(), 2, "{error}");
    let builder = Lifespan::builder().source(source()).sink("cat-*", To(source().address()));
    let builder = builder.sink("cat-*", To("elsewhere".into()).only());
    let (app, _) = start(builder).await;
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn a_disabled_lifespan_leaves_messages_where_they_are() {
    let memory = kitchen(&[r#"{"fish":2}"#]);
    let builder = Lifespan::builder().disable_dispatch(true).source(memory.source("kitchen").named("cat-fed"));
    let (app, log) = start(builder).await;
    drained(&memory, "kitchen").await;
    app.shutdown().await.expect("from outside");
    assert_eq!((memory.len("kitchen"), log.take().len()), (1, 0));
}
