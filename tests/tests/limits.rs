//! Limits: handlers at work, the length of chains, and floods of events.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};

use events::{DispatchError, Event, Lifespan, LifespanBuilder, State, dispatch, on};
use support::Log;

async fn start_with(builder: LifespanBuilder) -> (Lifespan, State<Log>) {
    support::start_with(builder.state(Crowd::default())).await
}

#[derive(Event)]
struct Nested(u32);

#[on]
async fn nested(event: &Nested, app: Lifespan, log: State<Log>) -> Result<(), DispatchError> {
    tokio::task::yield_now().await;
    if event.0 > 0 {
        let delivery = events::deliver(Nested(event.0 - 1)).await?;
        assert!(delivery.is_ok());
        app.scope(async { dispatch(Nested(0)) }).await?;
    }
    log.write(event.0.to_string());
    Ok(())
}

#[tokio::test]
async fn handlers_that_wait_for_handlers_pass_the_limit_of_one() {
    let (app, log) = start_with(Lifespan::builder().max_at_work(1)).await;
    app.scope(async { dispatch(Nested(3)) }).await.expect("accepted");
    assert_eq!(log.take().last().map(String::as_str), Some("3"));
    app.shutdown().await.expect("from outside");
}

#[derive(Event)]
struct Crowded;

#[on]
async fn one_of_crowd(_: &Crowded, crowd: State<Crowd>) {
    crowd.visit().await;
}

#[on]
async fn other_of_crowd(_: &Crowded, crowd: State<Crowd>) {
    crowd.visit().await;
}

/// Counts who is there at a time.
#[derive(Default)]
struct Crowd {
    here: AtomicUsize,
    most: AtomicUsize,
}

impl Crowd {
    async fn visit(&self) {
        let here = self.here.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(here, Ordering::Relaxed);
        tokio::task::yield_now().await;
        self.here.fetch_sub(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn the_limit_of_handlers_at_work_holds_across_events_and_stages() {
    for limit in [1, 3, 1000] {
        let (app, _) = start_with(Lifespan::builder().max_at_work(limit)).await;
        app.scope(async {
            for _ in 0..50 {
                dispatch(Crowded).expect("accepted");
            }
        })
        .await;
        let crowd = app.state::<Crowd>().expect("it was given one");
        assert_eq!(
            crowd.most.load(Ordering::Relaxed),
            limit.min(100) / 2 * 2 + usize::from(limit == 1),
            "limit {limit}"
        );
        app.shutdown().await.expect("from outside");
    }
}

#[derive(Event)]
struct Step(u32);

#[on]
fn deep(event: &Step) -> Option<Step> {
    (event.0 > 0).then(|| Step(event.0 - 1))
}

#[tokio::test]
async fn a_chain_ten_thousand_deep_does_not_grow_the_stack() {
    let (app, _) = start_with(Lifespan::builder().max_hops(20_000)).await;
    app.dispatch(Step(10_000)).expect("accepted");
    let report = app.shutdown().await.expect("from outside");
    assert_eq!((report.delivered, report.failed), (10_001, 0));
}

#[derive(Event)]
struct Spread(u32);

#[on]
async fn spread(event: &Spread) -> Vec<Spread> {
    (0..if event.0 > 0 { 100 } else { 0 }).map(|_| Spread(event.0 - 1)).collect()
}

#[tokio::test]
async fn a_fan_out_is_delivered_whole() {
    let (app, _) = start_with(Lifespan::builder()).await;
    app.dispatch(Spread(2)).expect("accepted");
    let report = app.shutdown().await.expect("from outside");
    assert_eq!((report.delivered, report.failed), (1 + 100 + 10_000, 0));
}

#[derive(Event)]
struct Raindrop;

#[on]
fn drop_by_drop(_: &Raindrop) {}

/// What threads keep of the room for themselves is room for all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_of_the_room_is_there_for_whoever_asks() {
    const ROOM: usize = 256;
    let (app, _) = start_with(Lifespan::builder().max_pending(ROOM)).await;
    for round in 0..20 {
        // Threads that dispatch at the same time, and as they come, give back in parts what they have taken.
        let scopes = (0..8).map(|_| {
            let app = app.clone();
            tokio::spawn(async move {
                for events in 0..16 {
                    app.scope(async { (0..events).for_each(|_| dispatch(Raindrop).expect("there is room")) }).await;
                }
            })
        });
        futures_util::future::join_all(scopes).await.into_iter().for_each(|task| task.expect("no panic"));
        assert_eq!(app.health().pending(), (0, ROOM), "round {round}");
        let refused = app.scope(async {
            (0..ROOM).for_each(|_| dispatch(Raindrop).expect("it is empty"));
            (app.health().is_full(), dispatch(Raindrop))
        });
        let (is_full, refused) = refused.await;
        assert!(is_full && matches!(refused, Err(DispatchError::Full { .. })), "round {round}: {refused:?}");
    }
    let report = app.shutdown().await.expect("from outside");
    assert_eq!(report.delivered, 20 * (8 * 120 + 256), "{report}");
    assert!(report.is_clean(), "{report}");
}
