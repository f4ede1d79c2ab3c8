//! When a source waits: while there is no room for its events, while dispatch is disabled, and before a message is given back.

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use events::{
    Event, Failure, Incoming, Lifespan, LifespanBuilder, Memory, MemorySettle, MemorySource, Message, Received, Settle,
    Settlement, Source, SourceError, SourceExt as _, State, dispatch, on,
};
use serde::Deserialize;
use support::Log;
use tokio::time::{Instant, sleep};

#[derive(Event, Deserialize)]
struct Slow(u32);

#[on]
async fn slow(event: &Slow, log: State<Log>) {
    log.write(format!("begun {}", event.0));
    sleep(Duration::from_secs(1)).await;
    log.write(format!("ended {}", event.0));
}

#[derive(Event, Deserialize)]
struct Tried(u32);

/// Fails over numbers above 9.
#[on]
fn tried(event: &Tried, log: State<Log>) -> Result<(), &'static str> {
    log.write(format!("tried {}", event.0));
    if event.0 > 9 { Err("too many") } else { Ok(()) }
}

#[on(failure)]
fn failed(failure: &Failure, log: State<Log>) {
    log.write(format!("failure: {}", failure.cause()));
}

/// A queue, and what it was told of its messages.
#[derive(Clone)]
struct Told {
    source: MemorySource,
    settled: Arc<Mutex<Vec<Settlement>>>,
}

struct ToldIncoming(<MemorySource as Source>::Incoming, Arc<Mutex<Vec<Settlement>>>);

struct ToldSettle(MemorySettle, Arc<Mutex<Vec<Settlement>>>);

impl Source for Told {
    type Incoming = ToldIncoming;

    fn address(&self) -> String {
        self.source.address()
    }

    async fn connect(&self, prefetch: usize) -> Result<ToldIncoming, SourceError> {
        Ok(ToldIncoming(self.source.connect(prefetch).await?, Arc::clone(&self.settled)))
    }
}

impl Incoming for ToldIncoming {
    type Settle = ToldSettle;

    async fn next(&mut self) -> Result<Received<ToldSettle>, SourceError> {
        let (message, settle) = self.0.next().await?.into_parts();
        Ok(Received::new(message, ToldSettle(settle, Arc::clone(&self.1))))
    }
}

impl Settle for ToldSettle {
    async fn settle(self, settlement: Settlement) -> Result<(), SourceError> {
        self.1.lock().expect("nobody panics").push(settlement);
        self.0.settle(settlement).await
    }
}

impl Told {
    fn take(&self) -> Vec<Settlement> {
        std::mem::take(&mut *self.settled.lock().expect("nobody panics"))
    }
}

fn put(memory: &Memory, bodies: impl IntoIterator<Item = u32>) {
    for body in bodies {
        let message = Message { body: body.to_string().into(), ..Message::default() };
        memory.put("kitchen", message).expect("there is room");
    }
}

fn kitchen(bodies: impl IntoIterator<Item = u32>) -> (Memory, Told) {
    let memory = Memory::new();
    put(&memory, bodies);
    let told = Told { source: memory.source("kitchen"), settled: Arc::default() };
    (memory, told)
}

async fn start(builder: LifespanBuilder) -> (Lifespan, State<Log>) {
    support::start_with(builder).await
}

/// As many turns as anything takes for which no time need pass.
async fn rest() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_lifespan_leaves_messages_until_there_is_room() {
    let (memory, told) = kitchen(0..6);
    let builder = Lifespan::builder().max_pending(2).source(told.clone().named("slow").prefetch(4));
    let (app, log) = start(builder).await;
    rest().await;
    assert_eq!((log.count("begun 1"), log.count("begun 2"), told.take()), (1, 0, vec![]), "two have room");
    let begun = Instant::now();
    while memory.len("kitchen") > 0 {
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(begun.elapsed().as_secs(), 3, "three times two, each as soon as there is room");
    assert_eq!(told.take(), [Settlement::Ack; 6]);
    let report = app.shutdown().await.expect("from outside");
    assert_eq!((report.delivered, report.failed), (6, 0), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_requeue_nothing_for_want_of_room() {
    let (memory, told) = kitchen(0..2000);
    let builder = Lifespan::builder().max_pending(1).source(told.clone().named("tried").on_failure(Settlement::Ack));
    let (app, log) = start(builder).await;
    while memory.len("kitchen") > 0 {
        tokio::task::yield_now().await;
    }
    app.shutdown().await.expect("from outside");
    assert_eq!(told.take(), [Settlement::Ack; 2000]);
    assert_eq!(log.take().iter().filter(|line| line.starts_with("tried")).count(), 2000);
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_is_turned_holds_messages_back_and_lets_them_go() {
    let (memory, told) = kitchen([1]);
    let (app, log) = start(Lifespan::builder().disable_dispatch(false).source(told.clone().named("tried"))).await;
    rest().await;
    assert_eq!((log.count("tried 1"), told.take()), (1, vec![Settlement::Ack]));
    app.disable_dispatch(true);
    put(&memory, [2, 3]);
    rest().await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!((memory.len("kitchen"), told.take(), log.count("tried 2")), (2, vec![], 0), "nobody is told anything");
    app.disable_dispatch(false);
    let begun = Instant::now();
    rest().await;
    assert_eq!((log.count("tried 2"), log.count("tried 3"), begun.elapsed()), (1, 1, Duration::ZERO));
    assert_eq!(told.take(), [Settlement::Ack; 2]);
    app.shutdown().await.expect("from outside");
}

#[tokio::test(start_paused = true)]
async fn who_starts_disabled_reads_when_it_is_enabled() {
    let (_memory, told) = kitchen([1]);
    let (app, log) = start(Lifespan::builder().disable_dispatch(true).source(told.clone().named("tried"))).await;
    rest().await;
    assert_eq!(log.count("tried 1"), 0);
    app.disable_dispatch(false);
    rest().await;
    assert_eq!((log.count("tried 1"), told.take()), (1, vec![Settlement::Ack]));
    app.shutdown().await.expect("from outside");
}

#[tokio::test(start_paused = true)]
async fn an_end_waits_for_no_message_that_waits() {
    for (disabled, max_pending) in [(true, 100), (false, 1)] {
        let (memory, told) = kitchen([]);
        let builder = Lifespan::builder().disable_dispatch(false).max_pending(max_pending);
        let (app, log) = start(builder.source(told.clone().named("tried"))).await;
        rest().await;
        let held = app.clone();
        let scope = tokio::spawn(async move {
            let work = async {
                dispatch(Tried(1)).expect("there is room for one");
                sleep(Duration::from_secs(1)).await;
            };
            held.scope(work).await;
        });
        rest().await;
        app.disable_dispatch(disabled);
        put(&memory, [2]);
        rest().await;
        let begun = Instant::now();
        let report = app.shutdown().await.expect("from outside");
        assert_eq!(begun.elapsed().as_secs(), 1, "the scope alone is waited for");
        assert!(report.is_clean(), "{report}");
        scope.await.expect("no panic");
        assert_eq!((log.count("tried 1"), log.count("tried 2"), memory.len("kitchen")), (1, 0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_given_back_after_a_pause() {
    let (memory, told) = kitchen([10]);
    let (app, log) = start(Lifespan::builder().source(told.clone().named("tried"))).await;
    rest().await;
    assert_eq!(log.count("tried 10"), 1, "no time has passed");
    sleep(Duration::from_mins(1)).await;
    // From 100 ms on, twice as long each time, up to 10 s.
    let tries = log.count("tried 10");
    assert!((10..=20).contains(&tries), "{tries}");
    let begun = Instant::now();
    assert!(app.shutdown().await.expect("from outside").is_clean());
    assert_eq!((begun.elapsed(), memory.len("kitchen")), (Duration::ZERO, 1), "the end cuts a pause short");
    assert_eq!(told.take(), vec![Settlement::Requeue; tries]);
}

/// When a message was tried, in seconds.
async fn tries(log: &Log, begun: Instant, until: Duration) -> Vec<u64> {
    let mut times = Vec::new();
    while begun.elapsed() < until {
        let tried = log.take().iter().filter(|line| *line == "tried 10").count();
        times.extend(vec![begun.elapsed().as_secs(); tried]);
        sleep(Duration::from_millis(100)).await;
    }
    times
}

#[tokio::test(start_paused = true)]
async fn the_pauses_can_be_chosen_and_begin_anew_after_a_message_that_does_not_fail() {
    let (memory, told) = kitchen([10]);
    let pauses = Duration::from_secs(10)..=Duration::from_secs(1000);
    let (app, log) = start(Lifespan::builder().source(told.clone().named("tried").requeue_backoff(pauses))).await;
    let begun = Instant::now();
    let times = tries(&log, begun, Duration::from_secs(400)).await;
    // 10 to 20 s, then twice as long each time, at most twice as long as that.
    let fits = |pause: u64, step: u32| (10 * 2_u64.pow(step) - 1..=20 * 2_u64.pow(step) + 1).contains(&pause);
    let pauses: Vec<_> = times.windows(2).map(|two| two[1] - two[0]).collect();
    assert!(pauses.len() >= 4 && pauses.iter().zip(0..).all(|(pause, step)| fits(*pause, step)), "{pauses:?}");
    put(&memory, [1]);
    let again = tries(&log, begun, Duration::from_mins(25)).await;
    assert!(fits(again[1] - again[0], 0), "{again:?}");
    app.shutdown().await.expect("from outside");
}

#[tokio::test(start_paused = true)]
async fn messages_that_fail_together_pause_together_and_one_that_pauses_has_its_place() {
    let (memory, told) = kitchen(10..=12);
    let pauses = Duration::from_secs(10)..=Duration::from_secs(10);
    let source = told.clone().named("tried").concurrency(3).requeue_backoff(pauses);
    let (app, log) = start(Lifespan::builder().source(source)).await;
    put(&memory, [1]);
    rest().await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(log.count("tried 1"), 0, "all places are taken");
    sleep(Duration::from_secs(6)).await;
    assert_eq!([10, 11, 12].map(|body| log.count(&format!("tried {body}"))), [2; 3], "each after the same pause");
    app.shutdown().await.expect("from outside");
}

/// A message whose format is never right comes back for ever, if somebody asks for it: but not all of the time.
#[tokio::test(start_paused = true)]
async fn what_is_invalid_and_given_back_pauses_too() {
    let memory = Memory::new();
    memory.put("kitchen", Message { body: b"no json".to_vec(), ..Message::default() }).expect("there is room");
    let source = memory.source("kitchen").named("tried").on_invalid(Settlement::Requeue);
    let (app, log) = start(Lifespan::builder().source(source)).await;
    sleep(Duration::from_mins(1)).await;
    let tries = log.take().len();
    assert!((10..=20).contains(&tries), "{tries}");
    app.shutdown().await.expect("from outside");
}

#[tokio::test(start_paused = true)]
async fn who_starts_disabled_is_ready_without_its_sources() {
    let (memory, told) = kitchen([]);
    memory.interrupt();
    let (app, _) = start(Lifespan::builder().disable_dispatch(true).source(told.named("tried"))).await;
    rest().await;
    assert!(app.health().is_ready() && app.health().sources().is_empty(), "{}", app.health());
    app.disable_dispatch(false);
    rest().await;
    assert!(!app.health().is_ready(), "{}", app.health());
    memory.restore();
    sleep(Duration::from_secs(1)).await;
    assert!(app.health().is_ready(), "{}", app.health());
    app.shutdown().await.expect("from outside");
}
