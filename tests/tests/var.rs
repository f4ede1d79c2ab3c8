//! `LifespanVar`: one value for each lifespan, made once, set with a guard, freed at the end.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use events::{Event, Lifespan, LifespanVar, State, VarError, on, spawn_blocking};
use support::Log;

async fn start() -> Lifespan {
    support::start_with(Lifespan::builder()).await.0
}

fn current_thread<F: Future>(work: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work)
}

static COUNT: LifespanVar<AtomicU64> = LifespanVar::with_default(AtomicU64::default);

fn count_in(lifespan: &Lifespan) -> u64 {
    COUNT.get_in(lifespan).expect("it has a default").fetch_add(1, Ordering::Relaxed)
}

#[tokio::test]
async fn two_lifespans_do_not_share() {
    let (first, second) = (start().await, start().await);
    assert_eq!((count_in(&first), count_in(&first)), (0, 1));
    assert_eq!(count_in(&second), 0);
    let nested =
        first.scope(async { second.scope(async { COUNT.get().map(|count| count.load(Ordering::Relaxed)) }).await });
    assert_eq!(nested.await, Ok(1), "the inner one counts");
}

#[test]
fn two_lifespans_alternate_on_one_thread() {
    current_thread(async {
        let (first, second) = (start().await, start().await);
        for round in 0..3 {
            for app in [&first, &second] {
                let before = app.scope(async {
                    let before = COUNT.get()?.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                    Ok::<_, VarError>(before)
                });
                assert_eq!(before.await, Ok(round));
            }
        }
    });
}

#[test]
fn five_threads_have_a_lifespan_each() {
    let together = Arc::new(Barrier::new(5));
    let threads = (0..5_u64).map(|rounds| {
        let together = Arc::clone(&together);
        thread::spawn(move || {
            current_thread(async move {
                let app = start().await;
                together.wait();
                (0..=rounds).map(|_| count_in(&app)).max()
            })
        })
    });
    let counts: Vec<_> =
        threads.collect::<Vec<_>>().into_iter().map(|thread| thread.join().expect("no panic")).collect();
    assert_eq!(counts, [Some(0), Some(1), Some(2), Some(3), Some(4)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_first_gets_make_one_value() {
    static VALUE: LifespanVar<usize> = LifespanVar::new();
    static MADE: AtomicU32 = AtomicU32::new(0);
    let app = start().await;
    let tasks = (0..100).map(|number| {
        let make = move || {
            MADE.fetch_add(1, Ordering::Relaxed);
            thread::yield_now();
            number
        };
        app.spawn(async move { VALUE.get_or_init(make).map(|value| *value) }).expect("it is open")
    });
    let mut values = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        values.push(task.await.expect("no panic").expect("a value"));
    }
    assert_eq!(MADE.load(Ordering::Relaxed), 1);
    assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
}

#[tokio::test]
async fn a_panic_while_it_is_made_poisons_nothing() {
    static VALUE: LifespanVar<u32> = LifespanVar::new();
    let app = start().await;
    let panicked = catch_unwind(AssertUnwindSafe(|| VALUE.get_or_init_in(&app, || panic!("not today"))));
    assert!(panicked.is_err());
    assert_eq!(VALUE.get_in(&app), Err(VarError::Unset));
    assert_eq!(VALUE.get_or_init_in(&app, || 2).as_deref(), Ok(&2));
}

#[tokio::test]
async fn a_value_that_needs_itself_is_an_error() {
    static ITSELF: LifespanVar<Result<u32, VarError>> =
        LifespanVar::with_default(|| Err(ITSELF.get().expect_err("it is not there yet")));
    static OTHER: LifespanVar<u64> = LifespanVar::with_default(|| COUNT.get().map_or(0, |_| 7));
    let app = start().await;
    app.scope(async {
        assert_eq!(ITSELF.get().as_deref(), Ok(&Err(VarError::Recursive)));
        assert_eq!(OTHER.get().as_deref(), Ok(&7), "another one may be asked for");
    })
    .await;
}

#[tokio::test]
async fn a_guard_restores_what_was_before() {
    static WORD: LifespanVar<&str> = LifespanVar::new();
    let (app, other) = (start().await, start().await);
    let word = || WORD.get_in(&app).map(|word| *word);
    let first = WORD.set_in(&app, "first").expect("it is open");
    let second = WORD.set_in(&app, "second").expect("it is open");
    assert_eq!((word(), WORD.get_in(&other)), (Ok("second"), Err(VarError::Unset)));
    drop(second);
    assert_eq!(word(), Ok("first"));
    drop(first);
    assert_eq!(word(), Err(VarError::Unset));
    assert_eq!(WORD.get_or_init_in(&app, || "made").as_deref(), Ok(&"made"), "a value that is gone is made");
}

#[tokio::test]
async fn an_older_guard_changes_nothing_and_brings_nothing_back() {
    static WORD: LifespanVar<&str> = LifespanVar::with_default(|| "default");
    let app = start().await;
    let word = || WORD.get_in(&app).map(|word| *word);
    let [first, second, third] = ["first", "second", "third"].map(|word| WORD.set_in(&app, word).expect("it is open"));
    drop(second);
    assert_eq!(word(), Ok("third"));
    drop(third);
    assert_eq!(word(), Ok("first"), "the second one is forgotten");
    drop(first);
    assert_eq!(word(), Ok("default"));
}

#[tokio::test]
async fn what_is_kept_outlives_every_guard() {
    static WORD: LifespanVar<&str> = LifespanVar::with_default(|| "default");
    let app = start().await;
    let word = || WORD.get_in(&app).map(|word| *word);
    let [first, second, third] = ["first", "second", "third"].map(|word| WORD.set_in(&app, word).expect("it is open"));
    second.keep();
    drop(first);
    assert_eq!(word(), Ok("third"));
    drop(third);
    assert_eq!(word(), Ok("second"));
}

static FREED: AtomicU32 = AtomicU32::new(0);

struct Counted;

impl Drop for Counted {
    fn drop(&mut self) {
        FREED.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn values_are_freed_at_the_end() {
    static MADE: LifespanVar<Counted> = LifespanVar::with_default(|| Counted);
    static SET: LifespanVar<Counted> = LifespanVar::new();
    static PANICS: LifespanVar<Panics> = LifespanVar::with_default(|| Panics);
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("not freed easily");
        }
    }
    let app = start().await;
    let held = MADE.get_in(&app).expect("it has a default");
    PANICS.get_in(&app).map(drop).expect("it has a default");
    let guard = SET.set_in(&app, Counted).expect("it is open");
    SET.set_in(&app, Counted).expect("it is open").keep();
    assert_eq!(FREED.load(Ordering::Relaxed), 1, "the one beneath the kept one");
    app.shutdown().await.expect("it ends");
    assert_eq!(FREED.load(Ordering::Relaxed), 2);
    drop((held, guard));
    assert_eq!(FREED.load(Ordering::Relaxed), 3, "whoever holds a value may go on");
    assert_eq!(SET.get_in(&app).err(), Some(VarError::Closed));
    assert_eq!(MADE.get_in(&app).err(), Some(VarError::Closed), "also with a default");
    assert_eq!(SET.set_in(&app, Counted).err(), Some(VarError::Closed));
}

#[tokio::test]
async fn outside_there_is_none() {
    static WITHOUT: LifespanVar<u32> = LifespanVar::new();
    let app = start().await;
    assert_eq!(COUNT.get().err(), Some(VarError::NoLifespan), "also with a default");
    assert_eq!(WITHOUT.get_or_init(|| 1).err(), Some(VarError::NoLifespan));
    assert_eq!(WITHOUT.set(1).err(), Some(VarError::NoLifespan));
    let elsewhere = app.scope(async { tokio::spawn(async { COUNT.get().err() }).await });
    assert_eq!(elsewhere.await.expect("no panic"), Some(VarError::NoLifespan), "a task that was not taken along");
}

#[derive(Clone, Event)]
struct Asked;

static TRACE: LifespanVar<State<Log>> = LifespanVar::new();

#[on(startup)]
fn set_the_trace(log: State<Log>) -> Result<(), VarError> {
    TRACE.set(log)?.keep();
    trace("startup")
}

fn trace(place: &str) -> Result<(), VarError> {
    TRACE.get()?.write(place);
    Ok(())
}

#[on(order = 1)]
async fn in_a_handler(_: &Asked) -> Result<(), VarError> {
    tokio::task::yield_now().await;
    trace("handler")
}

#[on(order = 2, blocking)]
fn in_a_blocking_handler(_: &Asked) -> Result<(), VarError> {
    trace("blocking handler")
}

#[on(shutdown)]
async fn in_a_hook() -> Result<(), VarError> {
    trace("shutdown")
}

#[tokio::test]
async fn handlers_hooks_and_threads_see_it() {
    let (app, log) = support::start_with(Lifespan::builder()).await;
    assert!(app.deliver(Asked).await.is_ok_and(|delivery| delivery.is_ok()));
    let task = app.scope(async { spawn_blocking(|| trace("spawn_blocking")) }).await.expect("it is open");
    task.await.expect("no panic").expect("it is set");
    app.shutdown().await.expect("it ends");
    assert_eq!(log.take(), ["startup", "handler", "blocking handler", "spawn_blocking", "shutdown"]);
}

#[tokio::test]
async fn debug_shows_the_value_that_is_there() {
    static NUMBER: LifespanVar<u32> = LifespanVar::with_default(|| 7);
    let app = start().await;
    assert_eq!(format!("{NUMBER:?}"), "LifespanVar { .. }");
    app.scope(async {
        assert_eq!(format!("{NUMBER:?}"), "LifespanVar { .. }", "none is made to be shown");
        let _guard = NUMBER.set(8);
        assert_eq!(format!("{NUMBER:?}"), "LifespanVar(8)");
    })
    .await;
}
