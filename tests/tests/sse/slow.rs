//! Readers that are slower than the events come.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use events::sse::{Feed, SlowReaders};
use events::{Envelope, Event, Lifespan, Sink as _, dispatch};
use serde::Serialize;
use tokio::time::{advance, pause, resume};

use crate::browser::Browser;
use crate::feed::serve;

const EVENTS: u32 = 250;

/// Sends what no socket holds, while nobody reads it: 16 MB.
async fn flood(feed: &Feed) {
    let rest = "x".repeat(65_000);
    for id in 0..EVENTS {
        let envelope = Envelope::new("cat-fed", format!("\"{id} {rest}\"")).with_id(&id.to_string());
        feed.sink().send(&envelope).await.expect("there is room");
        tokio::task::yield_now().await;
    }
}

fn number(data: &str) -> u32 {
    data[1..].split(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

#[tokio::test]
async fn a_slow_reader_is_ended_and_comes_back_and_misses_nothing() {
    let feed = Feed::builder().replay_bytes(1 << 30).max_lag(50).build();
    let served = serve(Router::new().route("/", get(feed.route("*").from_oldest()))).await;
    let mut browser = Browser::open(served.0, "/", "").await;
    flood(&feed).await;
    let (mut numbers, mut connections) = (Vec::new(), 1);
    while numbers.len() < EVENTS as usize {
        match browser.next().await {
            Some(seen) => {
                assert_eq!(seen.name, "cat-fed");
                numbers.push(number(&seen.data));
            }
            None => {
                connections += 1;
                browser = Browser::open(served.0, "/", &browser.last_id).await;
            }
        }
    }
    assert_eq!(numbers, (0..EVENTS).collect::<Vec<_>>(), "once, in order");
    assert_eq!(connections, 2, "who comes back may be as far behind as the buffer reaches");
}

#[tokio::test]
async fn a_slow_reader_may_be_told_what_it_has_missed_instead() {
    let feed = Feed::builder().replay_bytes(1 << 30).max_lag(50).slow_readers(SlowReaders::Skip).build();
    let served = serve(Router::new().route("/", get(feed.route("*")))).await;
    let mut browser = Browser::open(served.0, "/", "").await;
    flood(&feed).await;
    let (mut next, mut skips) = (0, 0);
    while next < EVENTS {
        let seen = browser.event().await;
        if seen.name == "events-lost" {
            let data: serde_json::Value = serde_json::from_str(&seen.data).expect("JSON");
            next += u32::try_from(data["skipped"].as_u64().expect("a count")).expect("a small one");
            skips += 1;
        } else {
            assert_eq!(number(&seen.data), next);
            next += 1;
        }
    }
    assert!((1..=2).contains(&skips), "{skips}");
}

#[tokio::test]
async fn a_reader_that_takes_nothing_holds_up_nobody_and_takes_no_memory() {
    let feed = Feed::builder().replay(10).max_lag(5).build();
    let served = serve(Router::new().route("/", get(feed.route("*")))).await;
    let (stalled, mut reading) = (Browser::open(served.0, "/", "").await, Browser::open(served.0, "/", "").await);
    let rest = "x".repeat(65_000);
    for id in 0..EVENTS {
        let envelope = Envelope::new("cat-fed", format!("\"{id} {rest}\"")).with_id(&id.to_string());
        feed.sink().send(&envelope).await.expect("there is room");
        assert_eq!(number(&reading.event().await.data), id);
    }
    assert_eq!(feed.readers(), 2);
    drop(stalled);
}

#[tokio::test]
async fn readers_that_take_nothing_lose_their_places_to_others() {
    // What is done before the clock stands still takes a machine seconds.
    let feed = Feed::builder().replay(10).max_readers(2).take_within(Duration::from_mins(10)).build();
    let served = serve(Router::new().route("/", get(feed.route("*")))).await;
    let mut stalled = [Browser::open(served.0, "/", "").await, Browser::open(served.0, "/", "").await];
    flood(&feed).await;
    assert_eq!((Browser::open(served.0, "/", "").await.status(), feed.readers()), ("503", 2));
    pause();
    advance(Duration::from_mins(9)).await;
    assert_eq!(feed.readers(), 2, "there is time left");
    advance(Duration::from_mins(1)).await;
    resume();
    assert_eq!(feed.readers(), 0);
    let mut others = [Browser::open(served.0, "/", "").await, Browser::open(served.0, "/", "").await];
    assert_eq!((others[0].status(), others[1].status(), feed.readers()), ("200", "200", 2));
    feed.sink().send(&Envelope::new("cat-fed", "\"1 \"").with_id("1")).await.expect("there is room");
    for browser in &mut others {
        assert_eq!(number(&browser.event().await.data), 1);
    }
    for browser in &mut stalled {
        while browser.next().await.is_some() {}
        assert!(browser.last_id.parse::<u32>().is_ok_and(|id| id < EVENTS - 1), "its stream ends where it stood");
    }
    assert_eq!(feed.readers(), 2);
}

#[tokio::test]
async fn a_reader_that_reads_and_has_nothing_to_read_keeps_its_place() {
    let feed = Feed::builder().take_within(Duration::from_secs(20)).keep_alive(Duration::from_hours(1)).build();
    let served = serve(Router::new().route("/", get(feed.route("*")))).await;
    let mut browser = Browser::open(served.0, "/", "").await;
    feed.sink().send(&Envelope::new("cat-fed", "\"1 \"").with_id("1")).await.expect("there is room");
    browser.event().await;
    pause();
    advance(Duration::from_mins(50)).await;
    resume();
    assert_eq!(feed.readers(), 1);
    feed.sink().send(&Envelope::new("cat-fed", "\"2 \"").with_id("2")).await.expect("there is room");
    assert_eq!(number(&browser.event().await.data), 2);
}

/// Counts itself, for as long as anybody has it.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Event, Serialize)]
struct ParcelSent {
    content: String,
    #[serde(skip)]
    _counted: Counted,
}

#[tokio::test]
async fn what_the_buffer_drops_no_reader_keeps() {
    let feed = Feed::builder().replay(50).build();
    let app = Lifespan::builder().without_all().sink("*", feed.sink()).start().await.expect("it starts");
    let served = serve(Router::new().route("/", get(feed.route("*")))).await;
    let mut stalled = Vec::new();
    for _ in 0..4 {
        stalled.push(Browser::open(served.0, "/", "").await);
    }
    let alive = Arc::new(AtomicUsize::new(0));
    for _ in 0..10 {
        // Of each run of events, a reader takes several out of the buffer at a time.
        let sent = app.scope(async {
            for _ in 0..30 {
                alive.fetch_add(1, Ordering::Relaxed);
                let parcel = ParcelSent { content: "x".repeat(65_000), _counted: Counted(Arc::clone(&alive)) };
                dispatch(parcel).expect("there is room");
            }
        });
        sent.await;
        tokio::task::yield_now().await;
    }
    app.shutdown().await.expect("from outside");
    assert_eq!((feed.readers(), alive.load(Ordering::Relaxed)), (4, 50), "as many as the buffer has");
    drop(stalled);
}
