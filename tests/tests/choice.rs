//! Which of the declared functions a lifespan has.

mod support;

use std::sync::Arc;
use std::time::Duration;

use events::{Event, Lifespan, State, every, on};
use support::Log;

#[derive(Event)]
struct CatFed;

#[on(startup)]
fn opens(log: State<Log>) {
    log.write("opens");
}

#[on]
fn purrs(_: &CatFed, log: State<Log>) {
    log.write("purrs");
}

#[on("cat-*")]
async fn sleeps(_: &CatFed, log: State<Log>) {
    log.write("sleeps");
}

#[on(group = "guests")]
fn greets(_: &CatFed, log: State<Log>) {
    log.write("greets");
}

#[every("1h")]
#[on(shutdown)]
fn twice(log: State<Log>) {
    log.write("twice");
}

#[on]
fn needs_what_is_not_there(_: &CatFed, _: State<String>) {}

fn not_declared(_: &CatFed) {}

async fn lines(builder: events::LifespanBuilder) -> Vec<String> {
    let (app, log) = support::start_with(builder).await;
    app.deliver(CatFed).await.expect("accepted");
    app.shutdown().await.expect("from outside");
    log.take()
}

#[tokio::test]
async fn without_all_there_are_closures_alone() {
    let (seen, mut times) = tokio::sync::mpsc::unbounded_channel();
    let builder = Lifespan::builder().without_all().on(move |_: Arc<CatFed>| {
        let sent = seen.send("closure");
        async move { sent }
    });
    assert!(lines(builder).await.is_empty());
    assert_eq!((times.recv().await, times.recv().await), (Some("closure"), None));
}

#[tokio::test]
async fn single_functions_come_back() {
    assert_eq!(lines(Lifespan::builder().without_all().with(sleeps)).await, ["sleeps"]);
    let builder = Lifespan::builder().with(purrs).with(opens).without_all().with(sleeps);
    assert_eq!(lines(builder).await, ["opens", "purrs", "sleeps"], "in whatever order they are named");
}

#[tokio::test(start_paused = true)]
async fn a_function_comes_back_with_all_of_its_attributes() {
    let (app, log) = support::start_with(Lifespan::builder().without_all().with(twice)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(log.take(), ["twice"], "the first tick");
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["twice"], "the hook");
}

#[tokio::test]
async fn what_else_is_left_out_stays_out() {
    let builder = Lifespan::builder().without_all().with(greets).with(purrs);
    assert_eq!(lines(builder.without_group("guests").without("choice::purrs")).await, [""; 0]);
    let builder = Lifespan::builder().with(greets).without("choice::needs_what_is_not_there");
    assert!(lines(builder).await.contains(&"sleeps".to_owned()), "`with` alone leaves nothing out");
}

#[tokio::test]
async fn what_is_not_declared_is_a_finding() {
    let line = line!() + 1;
    let builder = Lifespan::builder().without_all().with(not_declared).with(purrs);
    let error = builder.state(Log::default()).start().await.expect_err("it has no attribute");
    let place = format!("{}:{line}", file!());
    assert_eq!(
        error.to_string(),
        format!(
            "the lifespan cannot start:\n  - `with` was given `choice::not_declared`, which is no function under `#[on]` or \
             `#[every]`: give it the name of one ({place})"
        )
    );
}
