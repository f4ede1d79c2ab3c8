//! Functions that are called again and again, in virtual time.

mod support;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use events::{Event, Failure, Lifespan, State, every, on};
use support::Log;
use tokio::time::{Instant, advance, sleep};

/// When the lifespan began, and how long the next runs are to take.
struct Clock {
    begun: Instant,
    lengths: Mutex<Vec<u64>>,
    at_work: AtomicUsize,
}

impl Clock {
    fn seconds(&self) -> u64 {
        self.begun.elapsed().as_secs()
    }

    async fn run(&self) {
        let length = self.lengths.lock().expect("no panic").pop().unwrap_or(0);
        self.at_work.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_secs(length)).await;
        self.at_work.fetch_sub(1, Ordering::Relaxed);
    }
}

/// `lengths` are those of the runs, the first one's last.
async fn start(group: &str, lengths: &[u64]) -> (Lifespan, State<Log>, State<Clock>) {
    let clock = Clock { begun: Instant::now(), lengths: Mutex::new(lengths.to_vec()), at_work: AtomicUsize::new(0) };
    let (app, log) = support::start_with(Lifespan::builder().state(clock).only_groups([group])).await;
    let clock = app.state().expect("it was given one");
    settle().await;
    (app, log, clock)
}

#[derive(Event)]
struct Ticked(u64);

#[every("5s", group = "one")]
async fn one_at_a_time(clock: State<Clock>, log: State<Log>) -> Ticked {
    log.write(format!("begins at {}", clock.seconds()));
    clock.run().await;
    Ticked(clock.seconds())
}

#[on]
fn ticked(event: &Ticked, log: State<Log>) {
    log.write(format!("ticked at {}", event.0));
}

#[every("5s", max = 2, group = "two")]
async fn two_at_a_time(clock: State<Clock>, log: State<Log>) {
    log.write(format!("begins at {}", clock.seconds()));
    clock.run().await;
}

#[every("5s", group = "failing", timeout = "2s")]
async fn failing(clock: State<Clock>) -> Result<(), String> {
    clock.run().await;
    match clock.seconds() {
        0 => Err("the first fails".into()),
        5 => panic!("the second panics"),
        _ => Ok(()),
    }
}

#[on(failure)]
fn hear(failure: &Failure, clock: State<Clock>, log: State<Log>) {
    assert!(failure.event().is_none());
    log.write(format!("{} at {}", failure.cause(), clock.seconds()));
}

async fn pass(seconds: u64) {
    for _ in 0..seconds {
        advance(Duration::from_secs(1)).await;
        settle().await;
    }
}

/// Lets everything run that does not wait for the clock.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_run_begins_at_once_and_the_others_on_the_grid() {
    let (app, log, _) = start("one", &[]).await;
    pass(11).await;
    app.shutdown().await.expect("from outside");
    assert_eq!(
        log.take(),
        ["begins at 0", "ticked at 0", "begins at 5", "ticked at 5", "begins at 10", "ticked at 10"]
    );
}

#[tokio::test(start_paused = true)]
async fn ticks_that_find_a_run_at_work_are_dropped_and_not_made_up() {
    let (app, log, _) = start("one", &[0, 12]).await;
    pass(21).await;
    app.shutdown().await.expect("from outside");
    let begun: Vec<_> = log.take().into_iter().filter(|line| line.starts_with("begins")).collect();
    assert_eq!(begun, ["begins at 0", "begins at 15", "begins at 20"]);
}

#[tokio::test(start_paused = true)]
async fn a_stall_brings_no_burst() {
    let (app, log, _) = start("one", &[]).await;
    pass(1).await;
    advance(Duration::from_secs(31)).await;
    settle().await;
    pass(4).await;
    app.shutdown().await.expect("from outside");
    let begun: Vec<_> = log.take().into_iter().filter(|line| line.starts_with("begins")).collect();
    assert_eq!(begun, ["begins at 0", "begins at 32", "begins at 35"]);
}

#[tokio::test(start_paused = true)]
async fn at_most_max_runs_go_on_at_a_time() {
    let (app, log, clock) = start("two", &[0, 0, 11, 11]).await;
    pass(10).await;
    assert_eq!(clock.at_work.load(Ordering::Relaxed), 2);
    pass(6).await;
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["begins at 0", "begins at 5", "begins at 15"]);
}

#[tokio::test(start_paused = true)]
async fn a_failing_run_keeps_the_schedule() {
    let (app, log, _) = start("failing", &[60, 0, 0]).await;
    pass(13).await;
    let report = app.shutdown().await.expect("from outside");
    assert_eq!(
        log.take(),
        ["the first fails at 0", "it panicked: the second panics at 5", "it took longer than its time-out of 2s at 12"]
    );
    assert_eq!(report.failed, 3);
}

#[tokio::test(start_paused = true)]
async fn shutdown_interrupts_the_wait_and_awaits_the_run() {
    let (app, log, clock) = start("one", &[3]).await;
    pass(1).await;
    app.shutdown().await.expect("from outside");
    assert_eq!(clock.seconds(), 3, "the run has ended, and no tick was waited for");
    assert_eq!(log.take(), ["begins at 0", "ticked at 3"]);
    pass(20).await;
    assert!(log.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_aborts_a_run() {
    let (app, log, clock) = start("one", &[100]).await;
    pass(1).await;
    let report = app.shutdown_within(Duration::from_secs(5)).await.expect("from outside");
    assert_eq!(clock.seconds(), 6);
    assert_eq!(report.aborted_handlers, ["`every::one_at_a_time`"]);
    assert_eq!(log.take()[1..], ["it was at work when the lifespan was forced to end at 6"]);
}

#[test]
fn the_catalog_lists_periodic_functions_and_hooks() {
    let hooks: Vec<_> = events::catalog().hooks().filter_map(|hook| Some((hook.path(), hook.moment()?))).collect();
    let expected = [
        ("every::one_at_a_time", "every 5s"),
        ("every::two_at_a_time", "every 5s"),
        ("every::failing", "every 5s"),
        ("every::hear", "failure"),
    ];
    assert_eq!(hooks, expected.map(|(path, moment)| (path.to_owned(), moment.to_owned())));
    assert!(events::catalog().to_string().contains("MOMENT"));
}
