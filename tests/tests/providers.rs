//! What providers make, for whom, how often, and how it ends.

mod support;

use std::sync::atomic::{AtomicU32, Ordering};

use events::{Ending, Event, Lifespan, Metadata, State, Teardown, on, provide};
use support::Log;
use support::script::Value;

/// A number that says which of its kind a value is.
#[derive(Debug, Default)]
struct Counter(AtomicU32);

impl Counter {
    fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

struct Pool(Value);
struct Session(Value);
struct Repository(Value);
struct Tally(Value);

#[provide(lifespan)]
async fn pool(log: State<Log>, teardown: Teardown) -> Result<Pool, std::io::Error> {
    let closing = log.clone();
    teardown.register(async move |ending| {
        tokio::task::yield_now().await;
        closing.write(format!("close pool {ending:?}"));
    });
    Ok(Pool(Value::new("pool", &log)))
}

#[provide]
async fn session(
    #[depends(pool)] pool: &Pool,
    log: State<Log>,
    count: State<Counter>,
    metadata: Metadata,
    teardown: Teardown,
) -> Session {
    tokio::task::yield_now().await;
    let name = format!("session {} of {} for {}", count.next(), pool.0.name, metadata.name());
    let (closing, text) = (log.clone(), name.clone());
    teardown.register(async move |ending| {
        tokio::task::yield_now().await;
        closing.write(format!("{} {text}", if ending == Ending::Succeeded { "commit" } else { "roll back" }));
    });
    Session(Value::new(name, &log))
}

#[provide]
fn repository(#[depends(session)] session: &Session, log: State<Log>) -> Repository {
    Repository(Value::new(format!("repository on {}", session.0.name), &log))
}

#[provide]
fn tally(#[depends(session)] session: &Session, log: State<Log>) -> Tally {
    Tally(Value::new(format!("tally on {}", session.0.name), &log))
}

#[derive(Debug, Event)]
struct OrderPlaced {
    bad: bool,
}

#[on(order = 1)]
async fn bill(
    event: &OrderPlaced,
    #[depends(repository)] repository: &Repository,
    #[depends(tally)] Tally(tally): Tally,
    log: State<Log>,
) -> Result<(), &'static str> {
    tokio::task::yield_now().await;
    log.write(format!("bill with {} and {}", repository.0.name, tally.name));
    if event.bad { Err("no money") } else { Ok(()) }
}

#[on(order = 2)]
fn pack(_: &OrderPlaced, #[depends(session)] session: &Session, log: State<Log>) {
    log.write(format!("pack with {}", session.0.name));
}

#[on(order = 3)]
fn count(_: &OrderPlaced, #[depends(pool)] pool: &Pool, log: State<Log>) {
    log.write(format!("count with {}", pool.0.name));
}

async fn start() -> (Lifespan, State<Log>) {
    support::start_with(Lifespan::builder().state(Counter::default())).await
}

#[tokio::test]
async fn a_call_has_its_values_and_a_lifespan_has_its_own() {
    let (app, log) = start().await;
    assert_eq!(log.take(), ["make pool"]);
    let delivery = app.deliver(OrderPlaced { bad: false }).await.expect("accepted");
    assert!(delivery.is_ok(), "{delivery:?}");
    assert_eq!(
        log.take(),
        [
            "make session 1 of pool for order-placed",
            "make repository on session 1 of pool for order-placed",
            "make tally on session 1 of pool for order-placed",
            "bill with repository on session 1 of pool for order-placed and tally on session 1 of pool for order-placed",
            "drop tally on session 1 of pool for order-placed",
            "drop repository on session 1 of pool for order-placed",
            "commit session 1 of pool for order-placed",
            "drop session 1 of pool for order-placed",
            "make session 2 of pool for order-placed",
            "pack with session 2 of pool for order-placed",
            "commit session 2 of pool for order-placed",
            "drop session 2 of pool for order-placed",
            "count with pool",
        ]
    );
    app.shutdown().await.expect("from outside");
    assert_eq!(log.take(), ["close pool Succeeded", "drop pool"]);
}

#[tokio::test]
async fn a_failing_handler_rolls_back() {
    let (app, log) = start().await;
    let delivery = app.deliver(OrderPlaced { bad: true }).await.expect("accepted");
    assert_eq!(delivery.failures()[0].cause().to_string(), "no money");
    assert_eq!(log.count("roll back session 1 of pool for order-placed"), 1);
    assert_eq!(log.count("commit session 2 of pool for order-placed"), 1);
}

#[derive(Event)]
struct OrderTaken;

#[on]
async fn take(_: &OrderTaken, #[depends(session)] session: Session, log: State<Log>) {
    log.write(format!("take {}", session.0.name));
    drop(session);
    tokio::task::yield_now().await;
    log.write("go on");
}

#[tokio::test]
async fn who_takes_a_value_drops_it_and_its_teardown_comes_at_the_end() {
    let (app, log) = start().await;
    app.deliver(OrderTaken).await.expect("accepted");
    let session = "session 1 of pool for order-taken";
    let lines = [format!("take {session}"), format!("drop {session}"), "go on".into(), format!("commit {session}")];
    assert_eq!(log.take()[2..], lines);
}

/// A hundred calls at a time make a hundred sessions, and no one sees another's.
#[tokio::test]
async fn calls_at_a_time_have_a_value_each() {
    let (app, log) = start().await;
    let calls = (0..100).map(|_| app.deliver(OrderTaken));
    let deliveries = futures_util::future::join_all(calls).await;
    assert!(deliveries.iter().all(|delivery| delivery.as_ref().is_ok_and(events::Delivery::is_ok)));
    for number in 1..=100 {
        let session = format!("session {number} of pool for order-taken");
        let counts = ["make", "take", "drop", "commit"].map(|word| log.count(&format!("{word} {session}")));
        assert_eq!(counts, [1; 4], "{session}");
    }
    assert_eq!(log.count("make pool"), 1);
}
