//! Metrics, through the facade.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use events::{CloudEvents, Envelope, Format as _, Lifespan, Memory, SourceExt as _, dispatch, dispatch_named};

use crate::measured::{Metrics, assert_idle, measured, number};
use crate::{CatFed, DishBroken, DishWashed};

#[tokio::test(start_paused = true)]
async fn what_happens_is_counted_once() {
    let metrics = Metrics::start();
    let app = Lifespan::builder().start().await.expect("it starts");
    for fish in [2, 9] {
        app.scope(async { dispatch(CatFed { fish }) }).await.expect("it is dispatched");
    }
    app.scope(async { dispatch(CatFed { fish: 11 }) }).await.expect_err("it is too much");
    app.shutdown().await.expect("it ends");
    let series = metrics.read();
    let count = |name: &str| number(&series, name);
    assert_eq!(count("events_dispatched_total{event=cat-fed}"), 2);
    assert_eq!(count("events_delivered_total{event=cat-fed}"), 2);
    assert_eq!(count("events_dispatched_total{event=cat-slept}"), 1);
    assert_eq!(count("events_refused_total{event=cat-fed,reason=invalid}"), 1);
    assert_eq!(measured(&series, "events_delivery_seconds{event=cat-fed}").len(), 2);
    assert_eq!(measured(&series, "events_handler_seconds{handler=telemetry::digest}").len(), 2);
    assert_idle(&series);
}

#[tokio::test]
async fn what_is_refused_is_not_counted_as_dispatched() {
    let metrics = Metrics::start();
    let app = Lifespan::builder().max_pending(1).start().await.expect("it starts");
    let full = app.scope(async { dispatch(CatFed { fish: 1 }).and_then(|()| dispatch(CatFed { fish: 2 })) });
    full.await.expect_err("there is room for one");
    app.shutdown().await.expect("it ends");
    app.dispatch(CatFed { fish: 3 }).expect_err("it has ended");
    let series = metrics.read();
    assert_eq!(number(&series, "events_dispatched_total{event=cat-fed}"), 1);
    assert_eq!(number(&series, "events_refused_total{event=cat-fed,reason=full}"), 1);
    assert_eq!(number(&series, "events_refused_total{event=cat-fed,reason=closed}"), 1);
    assert_idle(&series);
}

#[tokio::test(start_paused = true)]
async fn failures_are_counted_by_their_kind_and_nothing_is_left_at_work() {
    let metrics = Metrics::start();
    let app = Lifespan::builder().start().await.expect("it starts");
    for how in ["error", "panic", "timeout", "timeout", "fine"] {
        app.scope(async { dispatch(DishBroken { how: how.into() }) }).await.expect("it is dispatched");
    }
    assert_idle(&metrics.read());
    app.dispatch(DishBroken { how: "timeout".into() }).expect("it is dispatched");
    tokio::task::yield_now().await;
    let at_work = metrics.read();
    assert_eq!((number(&at_work, "events_in_flight{}"), number(&at_work, "events_pending{}")), (1, 1));
    app.shutdown_within(Duration::ZERO).await.expect("it ends");
    let series = metrics.read();
    for (kind, expected) in [("error", 1), ("panic", 1), ("timeout", 2), ("aborted", 1)] {
        let name = format!("events_failed_total{{handler=telemetry::sweep,kind={kind}}}");
        assert_eq!(number(&series, &name), expected, "{kind}");
    }
    assert_idle(&series);
}

#[tokio::test]
async fn a_scope_that_is_dropped_or_discarded_leaves_nothing_behind() {
    let metrics = Metrics::start();
    let app = Lifespan::builder().start().await.expect("it starts");
    app.scope(async {
        dispatch(CatFed { fish: 1 }).expect("it is dispatched");
        events::Scope::current().expect("there is one").discard();
    })
    .await;
    assert_idle(&metrics.read());
    {
        let scope = app.scope(async {
            dispatch(CatFed { fish: 1 }).expect("it is dispatched");
            std::future::pending::<()>().await;
        });
        let mut scope = std::pin::pin!(scope);
        assert!(futures_util::poll!(scope.as_mut()).is_pending());
        assert_eq!(number(&metrics.read(), "events_pending{}"), 1);
    }
    app.shutdown().await.expect("it ends");
    assert_idle(&metrics.read());
}

#[tokio::test]
async fn a_thousand_payloads_and_names_make_no_new_series() {
    let metrics = Metrics::start();
    let app = Lifespan::builder().start().await.expect("it starts");
    let some = async |from: u32, to: u32| {
        for n in from..to {
            app.scope(async {
                dispatch(CatFed { fish: n % 12 }).ok();
                dispatch(DishBroken { how: format!("in {n} pieces") }).expect("it is dispatched");
                dispatch_named(&format!("unheard-of-{n}"), "{}").expect("nobody minds");
                dispatch_named("cat-fed", format!("{{\"fish\":\"{n}\"}}")).expect_err("it is no number");
            })
            .await;
        }
    };
    let names = |metrics: &Metrics| metrics.read().into_keys().collect::<BTreeSet<_>>();
    some(0, 12).await;
    let before = names(&metrics);
    some(12, 1000).await;
    assert_eq!(names(&metrics), before);
    assert!(before.contains("events_dispatched_total{event=_other}"), "{before:?}");
    app.shutdown().await.expect("it ends");
}

#[tokio::test]
async fn sources_and_sinks_are_counted_and_measured() {
    let metrics = Metrics::start();
    let memory = Memory::new();
    memory.bind("dishes", "dish-*");
    let cats = memory.source("cats").backoff(Duration::from_millis(1)..=Duration::from_millis(1));
    let app = Lifespan::builder().sink("dish-washed", memory.sink()).source(cats).start().await.expect("it starts");
    let yesterday = SystemTime::now() - Duration::from_hours(24);
    let envelope = Envelope::new("cat-fed", r#"{"fish":2}"#).with_id("1").with_origin("/test").with_time(yesterday);
    memory.put("cats", CloudEvents::binary().encode(&envelope).expect("it is one")).expect("there is room");
    app.scope(async { (0..2).try_for_each(|dish| dispatch(DishWashed(dish))) }).await.expect("they are dispatched");
    let until = async |name: &str, at_least: i64| {
        loop {
            let series = metrics.read();
            if number(&series, name) >= at_least {
                return series;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let series = until("events_source_settled_total{source=memory/cats,settlement=ack}", 1).await;
    assert_eq!(number(&series, "events_source_received_total{source=memory/cats}"), 1);
    assert_eq!(number(&series, "events_source_connected{source=memory/cats}"), 1);
    assert_eq!(number(&series, "events_source_reconnects_total{source=memory/cats}"), 0);
    memory.interrupt();
    let series = until("events_source_reconnects_total{source=memory/cats}", 1).await;
    assert_eq!(number(&series, "events_source_connected{source=memory/cats}"), 0);
    memory.restore();
    until("events_source_connected{source=memory/cats}", 1).await;
    app.shutdown().await.expect("it ends");
    let series = metrics.read();
    assert_eq!(number(&series, "events_sink_sent_total{sink=memory,outcome=ok}"), 2);
    assert_eq!(number(&series, "events_source_connected{source=memory/cats}"), 0, "it has been closed");
    assert_idle(&series);
}

#[tokio::test]
async fn ages_and_sizes_are_measured() {
    let metrics = Metrics::start();
    let memory = Memory::new();
    let app = Lifespan::builder().source(memory.source("cats")).start().await.expect("it starts");
    let yesterday = SystemTime::now() - Duration::from_hours(24);
    let envelope = Envelope::new("cat-fed", r#"{"fish":2}"#).with_id("1").with_origin("/test").with_time(yesterday);
    memory.put("cats", CloudEvents::binary().encode(&envelope).expect("it is one")).expect("there is room");
    while memory.len("cats") > 0 {
        tokio::task::yield_now().await;
    }
    app.dispatch(DishWashed(0)).expect("it is dispatched");
    tokio::task::yield_now().await;
    assert_eq!(number(&metrics.read(), "events_in_flight{}"), 0, "what waits for its batch is not at work");
    app.scope(async { (1..3).try_for_each(|dish| dispatch(DishWashed(dish))) }).await.expect("they are dispatched");
    app.shutdown().await.expect("it ends");
    let series = metrics.read();
    let [lag] = measured(&series, "events_source_lag_seconds{source=memory/cats}").try_into().expect("one message");
    assert!((86_400.0..86_460.0).contains(&lag), "{lag} s");
    assert_eq!(measured(&series, "events_batch_size{handler=telemetry::dry}"), [3.0]);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_messages_and_texts_of_errors_make_no_new_series() {
    let metrics = Metrics::start();
    let memory = Memory::new();
    let plates = memory.source("plates").on_failure(events::Settlement::Reject).prefetch(2000);
    let numbers = std::sync::atomic::AtomicU32::new(0);
    let failing = move |_: Envelope| {
        let number = numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        std::future::ready(Err::<(), _>(format!("the shelf is full for the {number}th time")))
    };
    let failing = events::SinkExt::attempts(failing, 1);
    let app = Lifespan::builder().source(plates).sink("dish-broken", failing).start().await.expect("it starts");
    let some = async |from: u32, to: u32| {
        for n in from..to {
            let envelope =
                Envelope::new("dish-broken", r#"{"how":"error"}"#).with_id(&n.to_string()).with_origin("/test");
            let mut message = CloudEvents::binary().encode(&envelope).expect("it is one");
            if n % 3 == 0 {
                message.headers.push((format!("ce-{n}"), n.to_string()));
                message.body = format!("no JSON, for the {n}th time").into();
            }
            memory.put("plates", message).expect("there is room");
            while memory.len("plates") > 0 {
                tokio::task::yield_now().await;
            }
        }
    };
    let names = |metrics: &Metrics| metrics.read().into_keys().collect::<BTreeSet<_>>();
    some(0, 6).await;
    let before = names(&metrics);
    some(6, 1000).await;
    assert_eq!(names(&metrics), before);
    assert!(!format!("{before:?}").contains("time"), "{before:?}");
    app.shutdown().await.expect("it ends");
}
