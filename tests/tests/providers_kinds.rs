//! Functions of every kind depend on providers: on those of the lifespan, and on those of each call.

mod support;

use std::fmt::Display;
use std::sync::Arc;

use events::{Event, Failure, Lifespan, LifespanBuilder, Metadata, State, Teardown, every, on, provide};
use support::Log;
use support::script::{Value, log_end, rest};

struct Pool(Value);
struct Session(Value);
struct Note(Value);

#[provide(lifespan)]
async fn pool(log: State<Log>, teardown: Teardown) -> Pool {
    log_end(teardown, "pool", &log);
    Pool(Value::new("pool", &log))
}

#[provide]
async fn session(#[depends(pool)] pool: &Pool, log: State<Log>, teardown: Teardown) -> Session {
    tokio::task::yield_now().await;
    log_end(teardown, "session", &log);
    Session(Value::new(format!("session of {}", pool.0.name), &log))
}

/// One that has nothing to wait for, but for its teardown.
#[provide]
fn note(#[depends(pool)] pool: &Pool, log: State<Log>, teardown: Teardown) -> Note {
    log_end(teardown, "note", &log);
    Note(Value::new(format!("note of {}", pool.0.name), &log))
}

#[derive(Event)]
struct Asked;

#[on]
async fn async_alone(_: &Asked, #[depends(pool)] pool: &Pool, log: State<Log>) {
    tokio::task::yield_now().await;
    log.write(format!("work with {}", pool.0.name));
}

#[on]
async fn async_each(_: &Asked, #[depends(session)] session: &Session, log: State<Log>) {
    tokio::task::yield_now().await;
    log.write(format!("work with {}", session.0.name));
}

#[on]
fn sync_alone(_: &Asked, #[depends(pool)] pool: &Pool, log: State<Log>) {
    log.write(format!("work with {}", pool.0.name));
}

#[on]
fn sync_each(_: &Asked, #[depends(session)] session: &Session, log: State<Log>) {
    log.write(format!("work with {}", session.0.name));
}

#[on(blocking)]
fn blocking_alone(_: &Asked, #[depends(pool)] pool: &Pool, log: State<Log>) {
    log.write(format!("work with {}", pool.0.name));
}

#[on(blocking)]
fn blocking_each(_: &Asked, #[depends(session)] session: &Session, log: State<Log>) {
    assert!(tokio::runtime::Handle::try_current().is_ok(), "the thread is one of the runtime");
    log.write(format!("work with {}", session.0.name));
}

#[on(now)]
fn now_alone(_: &Asked, #[depends(pool)] pool: &Pool, log: State<Log>) {
    log.write(format!("work with {}", pool.0.name));
}

#[on(now)]
fn now_each(_: &Asked, #[depends(note)] note: &Note, log: State<Log>) {
    log.write(format!("work with {}", note.0.name));
}

#[on(startup)]
async fn startup_alone(#[depends(pool)] pool: &Pool, log: State<Log>) {
    log.write(format!("work with {}", pool.0.name));
}

#[on(startup)]
fn startup_each(#[depends(session)] session: &Session, log: State<Log>) {
    log.write(format!("work with {}", session.0.name));
}

#[on(shutdown)]
fn shutdown_alone(#[depends(pool)] pool: &Pool, log: State<Log>) {
    log.write(format!("work with {}", pool.0.name));
}

#[on(shutdown)]
async fn shutdown_each(#[depends(session)] session: &Session, log: State<Log>) {
    log.write(format!("work with {}", session.0.name));
}

#[derive(Event)]
struct Broke;

#[on]
fn breaks(_: &Broke) -> Result<(), &'static str> {
    Err("broken")
}

#[on(failure)]
async fn failure_alone(_: &Failure, #[depends(pool)] pool: &Pool, log: State<Log>) {
    log.write(format!("work with {}", pool.0.name));
}

#[on(failure, blocking)]
fn failure_each(_: &Failure, #[depends(session)] session: &Session, metadata: Metadata, log: State<Log>) {
    assert_eq!(metadata.name(), "broke");
    log.write(format!("work with {}", session.0.name));
}

#[every("1h")]
fn every_alone(#[depends(pool)] pool: &Pool, log: State<Log>) {
    log.write(format!("work with {}", pool.0.name));
}

#[every("1h")]
async fn every_each(#[depends(session)] session: &Session, log: State<Log>) {
    log.write(format!("work with {}", session.0.name));
}

/// What happens in a lifespan with one function, from its start to its end, with one event and one tick.
async fn told<F: 'static>(function: F, event: impl Event) -> Vec<String> {
    let builder: LifespanBuilder = Lifespan::builder().without_all().with(function).with(breaks);
    let (app, log) = support::start_with(builder).await;
    app.deliver(event).await.expect("accepted");
    rest().await;
    let report = app.shutdown().await.expect("from outside");
    assert!(report.is_clean(), "{report}");
    log.take()
}

fn alone() -> Vec<String> {
    ["make pool", "work with pool", "end pool Succeeded", "drop pool"].map(str::to_owned).to_vec()
}

fn each(value: impl Display) -> Vec<String> {
    vec![
        "make pool".into(),
        format!("make {value} of pool"),
        format!("work with {value} of pool"),
        format!("end {value} Succeeded"),
        format!("drop {value} of pool"),
        "end pool Succeeded".into(),
        "drop pool".into(),
    ]
}

#[tokio::test(start_paused = true)]
async fn handlers_have_what_the_lifespan_has() {
    assert_eq!(told(async_alone, Asked).await, alone());
    assert_eq!(told(sync_alone, Asked).await, alone());
    assert_eq!(told(blocking_alone, Asked).await, alone());
    assert_eq!(told(now_alone, Asked).await, alone());
}

#[tokio::test(start_paused = true)]
async fn handlers_have_what_is_made_for_the_call() {
    assert_eq!(told(async_each, Asked).await, each("session"));
    assert_eq!(told(sync_each, Asked).await, each("session"));
    assert_eq!(told(blocking_each, Asked).await, each("session"));
    assert_eq!(told(now_each, Asked).await, each("note"));
}

#[tokio::test(start_paused = true)]
async fn hooks_and_periodic_functions_have_what_the_lifespan_has() {
    assert_eq!(told(startup_alone, Asked).await, alone());
    assert_eq!(told(shutdown_alone, Asked).await, alone());
    assert_eq!(told(failure_alone, Broke).await, alone());
    assert_eq!(told(every_alone, Asked).await, alone());
}

#[tokio::test(start_paused = true)]
async fn hooks_and_periodic_functions_have_what_is_made_for_the_call() {
    assert_eq!(told(startup_each, Asked).await, each("session"));
    assert_eq!(told(shutdown_each, Asked).await, each("session"));
    assert_eq!(told(failure_each, Broke).await, each("session"));
    assert_eq!(told(every_each, Asked).await, each("session"));
}

#[tokio::test]
async fn a_runtime_of_many_threads_makes_no_difference() {
    let threads =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let told = threads.spawn(async { (told(blocking_each, Asked).await, told(async_each, Asked).await) });
    let (blocking, asynchronous) = told.await.expect("no panic");
    assert_eq!((blocking, asynchronous), (each("session"), each("session")));
    threads.shutdown_background();
}

#[tokio::test]
async fn what_a_now_handler_leaves_is_finished_by_the_lifespan() {
    let (app, log) = support::start_with(Lifespan::builder().without_all().with(now_each)).await;
    app.dispatch(Asked).expect("accepted");
    assert_eq!(log.take(), ["make pool", "make note of pool", "work with note of pool"]);
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["end note Succeeded", "drop note of pool", "end pool Succeeded", "drop pool"]);
}

/// A thread without a runtime may dispatch; what its `now` handlers leave may wait for a clock all the same.
#[tokio::test(start_paused = true)]
async fn a_now_handler_in_a_plain_thread_leaves_work_that_waits() {
    let (app, log) = support::start_with(Lifespan::builder().without_all().with(now_sleeps)).await;
    let handle = app.clone();
    std::thread::spawn(move || handle.dispatch(Asked)).join().expect("no panic").expect("accepted");
    let report = app.shutdown().await.expect("from outside");
    assert_eq!((report.failed, log.take()), (0, vec!["slept".to_owned()]));
}

struct Sleep;

#[provide]
fn sleeps(log: State<Log>, teardown: Teardown) -> Sleep {
    teardown.register(async move |_| {
        rest().await;
        log.write("slept");
    });
    Sleep
}

#[on(now)]
fn now_sleeps(_: Arc<Asked>, #[depends(sleeps)] _: &Sleep) {}
