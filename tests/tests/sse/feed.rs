//! What browsers get from a feed.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use events::sse::{Feed, FeedBuilder, FeedSink};
use events::{CloudEvents, Envelope, Event, Lifespan, Sink as _, dispatch};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::browser::{Browser, Seen};
use crate::told::FOR_EVER;

#[derive(Event, Serialize)]
struct CupSold {
    cups: u32,
}

#[derive(Event, Serialize)]
struct PotSold;

/// Serves until it is dropped.
pub(crate) struct Served(pub(crate) SocketAddr, JoinHandle<()>);

impl Drop for Served {
    fn drop(&mut self) {
        self.1.abort();
    }
}

pub(crate) async fn serve(router: Router) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    Served(address, tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") }))
}

/// A feed with a route for all of its events, and a sink.
async fn fed(builder: FeedBuilder) -> (Feed, FeedSink, Served) {
    let feed = builder.build();
    let served = serve(Router::new().route("/", get(feed.route("*")))).await;
    (feed.clone(), feed.sink(), served)
}

pub(crate) fn envelope(id: u32) -> Envelope {
    Envelope::new("cat-fed", id.to_string()).with_id(&format!("id-{id}"))
}

pub(crate) async fn send(sink: &FeedSink, ids: std::ops::Range<u32>) {
    for answer in sink.send_many(&ids.map(envelope).collect::<Vec<_>>()).await {
        answer.expect("there is room");
    }
}

#[tokio::test]
async fn chosen_events_are_streamed_with_their_identities() {
    let feed = Feed::new();
    let app = Lifespan::builder().without_all().sink("*", feed.sink()).start().await.expect("it starts");
    let routes = Router::new()
        .route("/cups", get(feed.route("cup-*")))
        .route("/all", get(feed.route("pot-*").and("cup-sold").and("*-sold")));
    let served = serve(routes).await;
    let [mut cups, mut all] = [Browser::open(served.0, "/cups", "").await, Browser::open(served.0, "/all", "").await];
    for line in ["content-type: text/event-stream", "cache-control: no-store", "x-accel-buffering: no"] {
        assert!(cups.has_header(line), "{:?}", cups.head);
    }
    assert_eq!((cups.status(), feed.readers()), ("200", 2));
    let deliver =
        app.scope(async { (dispatch(CupSold { cups: 2 }), dispatch(PotSold), dispatch(CupSold { cups: 3 })) });
    let (one, two, three) = deliver.await;
    one.and(two).and(three).expect("there is room");
    let seen = [cups.event().await, cups.event().await];
    assert_eq!([&*seen[0].name, &*seen[0].data, &*seen[1].data], ["cup-sold", r#"{"cups":2}"#, r#"{"cups":3}"#]);
    assert!(seen[0].last_id != seen[1].last_id && seen[0].last_id.ends_with("-1"), "{seen:?}");
    assert_eq!(all.data(3).await, [r#"{"cups":2}"#, "null", r#"{"cups":3}"#]);
    app.shutdown().await.expect("from outside");
    assert_eq!((cups.next().await, all.next().await), (None, None), "the end of the lifespan ends the streams");
}

#[tokio::test]
async fn who_comes_back_gets_what_was_missed() {
    let (_feed, sink, served) = fed(Feed::builder()).await;
    send(&sink, 0..10).await;
    let mut browser = Browser::open(served.0, "/", "id-6").await;
    assert_eq!(browser.data(3).await, ["7", "8", "9"]);
    send(&sink, 10..11).await;
    assert_eq!(browser.event().await.last_id, "id-10");
    let mut current = Browser::open(served.0, "/", "id-10").await;
    let mut new = Browser::open(served.0, "/", "").await;
    send(&sink, 11..12).await;
    assert_eq!((current.data(1).await, new.data(1).await), (vec!["11".to_owned()], vec!["11".to_owned()]));
}

#[tokio::test]
async fn who_was_away_for_too_long_is_told_so() {
    let (_feed, sink, served) = fed(Feed::builder().replay(3)).await;
    let lost = |last_id: &str| Seen {
        name: "events-lost".into(),
        data: r#"{"skipped":null}"#.into(),
        last_id: last_id.into(),
    };
    // The process is a new one.
    let mut early = Browser::open(served.0, "/", "id-of-before").await;
    assert_eq!(early.event().await, lost("id-of-before"));
    send(&sink, 0..10).await;
    for last_id in ["id-5", "id-of-before", "кот"] {
        let mut browser = Browser::open(served.0, "/", last_id).await;
        assert_eq!(browser.event().await, lost(last_id));
        assert_eq!(browser.data(3).await, ["7", "8", "9"], "{last_id}");
    }
    assert_eq!(Browser::open(served.0, "/", "id-6").await.status(), "200");
    let mut browser = Browser::open(served.0, "/", "id-7").await;
    assert_eq!(browser.data(2).await, ["8", "9"]);
}

#[tokio::test]
async fn a_route_may_begin_with_the_oldest_event() {
    let feed = Feed::new();
    send(&feed.sink(), 0..3).await;
    let served = serve(Router::new().route("/", get(feed.route("cat-*").from_oldest()))).await;
    assert_eq!(Browser::open(served.0, "/", "").await.data(3).await, ["0", "1", "2"]);
    assert_eq!(Browser::open(served.0, "/", "id-1").await.data(1).await, ["2"]);
}

#[tokio::test]
async fn a_filter_says_who_may_see_what() {
    let feed = Feed::new();
    let route = feed.route("*").from_oldest().filter(|request| {
        let owner = request.headers.get("x-owner").and_then(|owner| owner.to_str().ok()).map(str::to_owned);
        move |event: &Envelope| owner.as_deref() == event.partition_key()
    });
    let served = serve(Router::new().route("/", get(route))).await;
    for id in 0..6 {
        let owner = ["tom", "kit"][id as usize % 2];
        feed.sink().send(&envelope(id).with_partition_key(owner)).await.expect("there is room");
    }
    let mut tom = Browser::open_with(served.0, "/", "", "x-owner: tom\r\n").await;
    let mut kit = Browser::open_with(served.0, "/", "id-2", "x-owner: kit\r\n").await;
    assert_eq!((tom.data(3).await.join(" "), kit.data(2).await.join(" ")), ("0 2 4".into(), "3 5".into()));
}

#[tokio::test]
async fn comments_keep_a_stream_alive_and_retry_is_told() {
    let builder = Feed::builder().keep_alive(Duration::from_millis(20)).retry(Duration::from_millis(1500));
    let (_feed, sink, served) = fed(builder).await;
    let mut browser = Browser::open(served.0, "/", "").await;
    for _ in 0..3 {
        browser.comment().await;
    }
    send(&sink, 0..1).await;
    assert_eq!(browser.event().await.data, "0");
    let mut browser = Browser::open(served.0, "/", "x").await;
    browser.event().await;
    assert_eq!(browser.retry, Some(1500));
}

#[tokio::test]
async fn there_are_no_more_readers_than_there_may_be() {
    let (feed, sink, served) = fed(Feed::builder().max_readers(2)).await;
    let mut first = Browser::open(served.0, "/", "").await;
    let second = Browser::open(served.0, "/", "").await;
    let mut third = Browser::open(served.0, "/", "").await;
    assert!(third.status() == "503" && third.has_header("retry-after: 5"), "{:?}", third.head);
    assert_eq!((third.body().await.as_str(), feed.readers()), ("there are too many readers\n", 2));
    drop(second);
    // The server sees that somebody is gone when it writes.
    for id in 0.. {
        send(&sink, id..id + 1).await;
        first.event().await;
        if feed.readers() == 1 {
            break;
        }
    }
    assert_eq!(Browser::open(served.0, "/", "").await.status(), "200");
}

#[tokio::test]
async fn a_closed_feed_holds_up_no_server() {
    let feed = Feed::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let ends = feed.clone();
    let server =
        axum::serve(listener, Router::new().route("/", get(feed.route("*")))).with_graceful_shutdown(async move {
            stopped.await.expect("it is told");
            ends.close();
        });
    let server = tokio::spawn(async move { server.await });
    let mut browser = Browser::open(address, "/", "").await;
    send(&feed.sink(), 0..2).await;
    stop.send(()).expect("it listens");
    assert_eq!(browser.data(2).await, ["0", "1"], "what there is comes before the end");
    assert_eq!(browser.next().await, None);
    let ended = tokio::time::timeout(FOR_EVER, server).await.expect("nobody holds it up");
    ended.expect("no panic").expect("no error");
    let another = serve(Router::new().route("/", get(feed.route("*")))).await;
    assert_eq!(Browser::open(another.0, "/", "").await.status(), "503");
    send(&feed.sink(), 2..3).await;
}

#[tokio::test]
async fn payloads_of_any_shape_arrive() {
    let (_feed, sink, served) = fed(Feed::builder()).await;
    let mut browser = Browser::open(served.0, "/", "").await;
    for (payload, data) in [
        ("{\n  \"a\": 1\r\n}\n", "{\n  \"a\": 1\n}\n"),
        ("\"\u{2028}ü\"", "\"\u{2028}ü\""),
        ("1,\r2", "1,\n2"),
        (" 1", " 1"),
        ("", ""),
    ] {
        sink.send(&Envelope::new("cat-fed", payload).with_id("1")).await.expect("it can be sent");
        assert_eq!(browser.event().await.data, data);
    }
}

#[tokio::test]
async fn what_no_stream_can_say_is_a_permanent_error_and_the_others_are_sent() {
    let (_feed, sink, served) = fed(Feed::builder().replay_bytes(1000)).await;
    let mut browser = Browser::open(served.0, "/", "").await;
    let batch = [
        envelope(1),
        Envelope::new("cat-fed", b"\xff".to_vec()),
        Envelope::new("cat-fed", "x".repeat(1000)),
        Envelope::new("cat-fed", "2").with_id("a\nid: b"),
    ];
    let answers = sink.send_many(&batch).await;
    let text = |at: usize| answers[at].as_ref().map_err(|error| (error.to_string(), error.is_permanent()));
    assert_eq!(text(1), Err(("a stream of events is UTF-8, and the event is not".into(), true)));
    assert!(
        matches!(text(2), Err((error, true)) if error.ends_with(" bytes of the feed, which keeps 1000")),
        "{answers:?}"
    );
    assert!(answers[0].is_ok() && answers[3].is_ok());
    assert_eq!(browser.event().await.last_id, "id-1");
    let seen = browser.event().await;
    assert_eq!(seen.data, "2");
    assert!(!seen.last_id.contains('a') || seen.last_id.len() == 33, "an id of the feed's own: {}", seen.last_id);
}

#[tokio::test]
async fn a_feed_may_carry_whole_cloud_events() {
    let (_feed, sink, served) = fed(Feed::builder().format(CloudEvents::structured())).await;
    let mut browser = Browser::open(served.0, "/", "gone").await;
    let lost: serde_json::Value = serde_json::from_str(&browser.event().await.data).expect("JSON");
    assert_eq!((&lost["type"], &lost["data"]["skipped"]), (&"events-lost".into(), &serde_json::Value::Null));
    sink.send(&envelope(1).with_origin("/cups").with_hops(3)).await.expect("it can be sent");
    let seen: serde_json::Value = serde_json::from_str(&browser.event().await.data).expect("JSON");
    assert_eq!((&seen["id"], &seen["eventhops"], &seen["data"]), (&"id-1".into(), &3.into(), &1.into()));
    let unfit = sink.send(&Envelope::new("cat-fed", "1")).await.expect_err("it has no identity");
    assert!(unfit.is_permanent(), "{unfit}");
}
