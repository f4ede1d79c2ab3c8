//! A feed and a source that follows it, while servers come and go.

use std::collections::BTreeSet;

use axum::Router;
use axum::routing::get;
use events::sse::{Feed, SseSource};
use tokio::net::TcpListener;

use crate::feed::send;
use crate::told::{Story, start, telling};
use events::Lifespan;

#[tokio::test]
async fn a_server_is_killed_and_comes_back_and_nothing_is_lost() {
    let feed = Feed::builder().retry(std::time::Duration::from_millis(1)).build();
    let router = Router::new().route("/", get(feed.route("*").from_oldest()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let story = Story::new();
    let source = telling(SseSource::new(&format!("http://{address}/")).expect("a URL"), &story);
    let mut runtime = serve_apart(listener, router.clone());
    let app = start(Lifespan::builder().source(source), &story).await;
    let mut seen = BTreeSet::new();
    for round in 0..5_u32 {
        send(&feed.sink(), round * 100..round * 100 + 50).await;
        // Killed with its connections, at whatever byte they are.
        runtime.shutdown_background();
        send(&feed.sink(), round * 100 + 50..round * 100 + 100).await;
        runtime = serve_apart(listen_again(address).await, router.clone());
        while seen.len() < (round as usize + 1) * 100 {
            let line = story.line().await;
            if let Some(number) = line.strip_prefix("cat-fed ") {
                seen.insert(number.parse::<u32>().expect("a number"));
            } else {
                assert!(line.starts_with("attempt "), "{line}");
            }
        }
    }
    assert_eq!(seen, (0..500).collect());
    app.shutdown().await.expect("from outside");
    runtime.shutdown_background();
}

/// A server whose connections end with it.
fn serve_apart(listener: TcpListener, router: Router) -> tokio::runtime::Runtime {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let listener = listener.into_std().expect("a listener");
    runtime.spawn(async move {
        let listener = TcpListener::from_std(listener).expect("a listener");
        axum::serve(listener, router).await
    });
    runtime
}

async fn listen_again(address: std::net::SocketAddr) -> TcpListener {
    loop {
        if let Ok(listener) = TcpListener::bind(address).await {
            return listener;
        }
        tokio::task::yield_now().await;
    }
}
