//! Readers that are slower than the events come.

use axum::Router;
use axum::routing::get;
use events::sse::{Feed, SlowReaders};
use events::{Envelope, Sink as _};

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
