//! The contract of transports: a feed, and the source that follows it.

use std::sync::Mutex;

use axum::Router;
use axum::routing::get;
use events::sse::{Feed, FeedSink, SseSource};
use events::testing::{Transport, assert_conformance};
use events::{CloudEvents, Format};

use crate::feed::{Served, serve};

/// Each queue is a feed of its own, on a server of its own.
#[derive(Default)]
struct Streams(Mutex<Vec<Served>>);

impl Transport for Streams {
    type Sink = FeedSink;
    type Source = SseSource;

    async fn pair(&self, _: &str) -> (FeedSink, SseSource) {
        let feed = Feed::builder().format(CloudEvents::structured()).build();
        let served = serve(Router::new().route("/", get(feed.route("*").from_oldest()))).await;
        let source = SseSource::new(&format!("http://{}/", served.0)).expect("a URL");
        self.0.lock().expect("no panic").push(served);
        (feed.sink(), source)
    }

    fn format(&self) -> impl Format {
        CloudEvents::structured()
    }
}

#[tokio::test]
async fn a_feed_and_its_source_keep_the_contract() {
    assert_conformance(&Streams::default()).await;
}
