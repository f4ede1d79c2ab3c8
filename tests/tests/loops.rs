//! Events that are sent on by whom they have come to: none goes back by itself, and none goes in a circle for ever.

mod support;

use events::amqp::Amqp;
use events::{
    ConfiguredSource, Event, Failure, Lifespan, LifespanBuilder, Memory, MemorySource, Metadata, Sink as _,
    SinkExt as _, Source as _, SourceExt as _, State, dispatch, on,
};
use serde::{Deserialize, Serialize};
use support::Log;

#[derive(Debug, Event, Serialize, Deserialize)]
struct CatFed {
    fish: u32,
}

#[on]
async fn count(event: &CatFed, metadata: Metadata, log: State<Log>) {
    log.write(format!("fed {}", event.fish));
    log.write(format!("hops {}", metadata.hops()));
}

#[on(failure)]
fn failed(failure: &Failure, log: State<Log>) {
    log.write(format!("failure: {}", failure.cause()));
}

async fn start(builder: LifespanBuilder) -> (Lifespan, State<Log>) {
    support::start_with(builder).await
}

async fn feed(app: &Lifespan) {
    app.scope(async { dispatch(CatFed { fish: 2 }) }).await.expect("accepted");
}

/// As many turns as anything takes that comes to an end.
async fn rest() {
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
}

const TOO_DEEP: &str = "failure: `cat-fed` would be number 65 of its chain, past the limit of 64: some handler dispatches, or \
                        some sink sends, what leads back to itself";

#[tokio::test]
async fn what_two_services_send_to_each_other_comes_to_an_end() {
    send_in_a_circle(|memory| memory.source("orders").prefetch(100)).await;
}

#[tokio::test]
async fn it_does_so_where_nothing_but_the_payload_is_read() {
    send_in_a_circle(|memory| memory.source("orders").named("cat-fed")).await;
}

async fn send_in_a_circle(source: impl Fn(&Memory) -> ConfiguredSource<MemorySource>) {
    let (kitchen, pantry) = (Memory::new(), Memory::new());
    kitchen.bind("orders", "cat-*");
    pantry.bind("orders", "cat-*");
    let cook = Lifespan::builder().source(source(&kitchen)).sink("cat-*", pantry.sink());
    let keeper = Lifespan::builder().source(source(&pantry)).sink("cat-*", kitchen.sink());
    let ((cook, cooked), (keeper, kept)) = (start(cook).await, start(keeper).await);
    feed(&cook).await;
    rest().await;
    assert_eq!((cooked.count("fed 2"), kept.count("fed 2")), (33, 33), "the limit is 64, and one has begun");
    assert_eq!((cooked.count("hops 63"), kept.count("hops 64")), (1, 1));
    assert_eq!((cooked.count(TOO_DEEP), kept.count(TOO_DEEP)), (1, 0), "{:?}", cooked.take());
    assert_eq!((kitchen.take_rejected("orders").len(), kitchen.len("orders"), pantry.len("orders")), (1, 0, 0));
    for app in [cook, keeper] {
        app.shutdown().await.expect("from outside");
    }
}

#[tokio::test]
async fn what_came_out_of_a_queue_does_not_go_back_there() {
    let memory = Memory::new();
    memory.bind("kitchen", "cat-*");
    let builder = Lifespan::builder().source(memory.source("kitchen")).sink("cat-*", memory.sink());
    let (app, log) = start(builder).await;
    feed(&app).await;
    rest().await;
    assert_eq!((log.count("fed 2"), memory.len("kitchen")), (2, 0), "once before the queue, once behind it");
    memory.bind("pantry", "*-fed");
    feed(&app).await;
    rest().await;
    assert_eq!((log.count("fed 2"), memory.len("kitchen")), (4, 0));
    assert_eq!(memory.len("pantry"), 2, "another queue gets it whenever it is sent");
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn who_asks_for_it_gets_it_back_until_it_has_come_too_often() {
    let memory = Memory::new();
    memory.bind("kitchen", "cat-*");
    let builder = Lifespan::builder().source(memory.source("kitchen")).sink("cat-*", memory.sink().also_back());
    let (app, log) = start(builder).await;
    feed(&app).await;
    rest().await;
    assert_eq!((log.count("fed 2"), log.count("hops 64"), log.count(TOO_DEEP)), (66, 1, 1));
    assert_eq!((memory.take_rejected("kitchen").len(), memory.len("kitchen")), (1, 0));
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn a_queue_that_nobody_would_get_anything_from_is_a_start_error_where_that_is_known() {
    let memory = Memory::new();
    memory.bind("kitchen", "cat-*");
    memory.bind("kennel", "dog-*");
    let builder = |pattern: &str| {
        let sources = Lifespan::builder().source(memory.source("kitchen")).source(memory.source("kennel"));
        sources.sink(pattern, memory.sink().only()).state(Log::default())
    };
    for (pattern, queue) in [("*", "kitchen"), ("cat-fed", "kitchen"), ("dog-*", "kennel")] {
        let error = builder(pattern).start().await.expect_err("nobody gets it").to_string();
        assert!(error.contains(&format!("/{queue}`, which is read here: nobody would get")), "{error}");
    }
    // What has no type is known when it comes: it is told then.
    let app = builder("d?g-*").start().await.expect("a lifespan");
    let log: State<Log> = app.state().expect("it was given one");
    app.dispatch_named("dog-fed", "1").expect("any name");
    rest().await;
    assert_eq!(log.count(&TOO_DEEP.replace("cat", "dog")), 1, "{:?}", log.take());
    assert_eq!(memory.take_rejected("kennel").len(), 1);
    app.shutdown().await.expect("from outside");
    memory.bind("pantry", "*-fed");
    let app = builder("cat-*").start().await.expect("another queue gets it");
    app.shutdown().await.expect("from outside");
}

#[test]
fn the_default_exchange_leads_to_the_queue_of_the_name_and_others_lead_nobody_knows_where() {
    let amqp = Amqp::new("amqp://localhost/shop").expect("a URL");
    let (address, elsewhere) = (amqp.source("cat-fed").address(), Amqp::new("amqp://localhost/bar").expect("a URL"));
    assert!(amqp.sink("").leads_only_to("cat-fed", &address));
    assert!(!amqp.sink("").leads_only_to("cat-purred", &address), "into another queue");
    assert!(!elsewhere.sink("").leads_only_to("cat-fed", &address), "into another virtual host");
    assert!(!amqp.sink("cats").leads_only_to("cat-fed", &address));
    assert!(!amqp.sink("").routed_by(|_| "cat-fed".into()).leads_only_to("cat-fed", &address));
}
