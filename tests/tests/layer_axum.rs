//! A scope for each request, served by axum to clients on real connections.

mod layer_support;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::get;
use events::tower::EventsLayer;
use events::{Lifespan, Scope, dispatch};
use futures_util::StreamExt as _;
use http::StatusCode;
use layer_support::{Client, Heard, Held, Server, TellsWhenDropped, piece, start, tell, text};
use tokio::sync::{Mutex, Notify, Semaphore, mpsc};
use tokio::task::JoinSet;
use tower_http::catch_panic::CatchPanicLayer;

/// A resource whose body is what the test sends, each piece told of in turn.
struct Stream {
    pieces: Mutex<Option<mpsc::Receiver<&'static str>>>,
}

impl Stream {
    fn new() -> (Arc<Self>, mpsc::Sender<&'static str>) {
        let (sender, pieces) = mpsc::channel(1);
        (Arc::new(Self { pieces: Mutex::new(Some(pieces)) }), sender)
    }

    async fn body(self: Arc<Self>) -> Body {
        let pieces = self.pieces.lock().await.take().expect("it is asked for once");
        let pieces = futures_util::stream::unfold(pieces, async |mut pieces| {
            let piece = pieces.recv().await?;
            tell(piece);
            Some((piece, pieces))
        });
        Body::from_stream(pieces.map(Ok::<_, Infallible>))
    }
}

/// A server with a stream at `/stream`, and a resource at `/other` that tells `other`.
async fn streaming(app: &Lifespan) -> (Server, mpsc::Sender<&'static str>) {
    let (stream, sender) = Stream::new();
    let router = Router::new()
        .route("/stream", get(move || Arc::clone(&stream).body()))
        .route("/other", get(async || tell("other")))
        .layer(EventsLayer::new(app.clone()));
    (Server::start(router).await, sender)
}

/// Waits for a whole request and its delivery, in which everything that was to be delivered before would be.
async fn other(server: &Server, heard: &mut Heard) {
    assert_eq!(server.text("/other").await, "");
    assert_eq!(heard.next().await, "other", "and nothing before");
}

#[tokio::test]
async fn a_client_does_not_wait_for_the_delivery() {
    let (app, mut heard) = start().await;
    let greet = async || {
        dispatch(Held("greeted".into())).expect("accepted");
        "good morning"
    };
    let server = Server::start(Router::new().route("/", get(greet)).layer(EventsLayer::new(app.clone()))).await;

    let mut client = server.client().await;
    for _ in 0..2 {
        assert_eq!(text(client.get("/").await).await, "good morning");
    }
    assert!(heard.rest().is_empty(), "the handlers wait for the semaphore");
    app.state::<Semaphore>().expect("it has one").add_permits(2);
    assert_eq!((heard.next().await, heard.next().await), ("greeted".into(), "greeted".into()));

    drop(client);
    server.stop().await;
    assert!(app.shutdown().await.expect("from outside").is_clean());
}

#[tokio::test]
async fn a_body_that_streams_dispatches_until_it_ends() {
    let (app, mut heard) = start().await;
    let (server, sender) = streaming(&app).await;
    let mut client = server.client().await;
    let mut response = client.get("/stream").await;
    for letter in ["a", "b"] {
        sender.send(letter).await.expect("the server listens");
        assert_eq!(piece(&mut response).await.as_deref(), Some(letter));
        other(&server, &mut heard).await;
    }
    drop(sender);
    assert_eq!(piece(&mut response).await, None);
    assert_eq!((heard.next().await, heard.next().await), ("a".into(), "b".into()));

    drop(client);
    server.stop().await;
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn a_client_that_leaves_before_the_response_loses_no_event() {
    let (app, mut heard) = start().await;
    let entered = Arc::new(Notify::new());
    let inside = Arc::clone(&entered);
    let wait = async |inside: State<Arc<Notify>>| {
        let _last = TellsWhenDropped("gone");
        tell("come");
        inside.notify_one();
        std::future::pending::<()>().await;
    };
    let router = Router::new().route("/", get(wait)).with_state(inside).layer(EventsLayer::new(app.clone()));
    let server = Server::start(router).await;

    let client = server.client().await.ask("/");
    entered.notified().await;
    assert!(heard.rest().is_empty());
    client.abort();
    assert_eq!((heard.next().await, heard.next().await), ("come".into(), "gone".into()));

    server.stop().await;
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn a_client_that_leaves_during_the_body_loses_no_event() {
    let (app, mut heard) = start().await;
    let (server, sender) = streaming(&app).await;
    let mut client = server.client().await;
    let mut response = client.get("/stream").await;
    sender.send("a").await.expect("the server listens");
    assert_eq!(piece(&mut response).await.as_deref(), Some("a"));
    other(&server, &mut heard).await;
    drop((response, client));
    assert_eq!(heard.next().await, "a");
    assert!(sender.is_closed());

    server.stop().await;
    app.shutdown().await.expect("from outside");
}

async fn spill() {
    tell("come");
    panic!("spilled")
}

#[tokio::test]
async fn a_panic_goes_on_to_the_layer_that_catches_it() {
    let (app, mut heard) = start().await;
    let forgets = EventsLayer::new(app.clone()).discard_if(|status| status.is_server_error());
    let outside = Router::new().route("/outside", get(spill)).layer(forgets.clone()).layer(CatchPanicLayer::new());
    let inside = Router::new().route("/inside", get(spill)).layer(CatchPanicLayer::new()).layer(forgets);
    let server = Server::start(outside.merge(inside)).await;

    let mut client = server.client().await;
    let response = client.get("/outside").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    text(response).await;
    assert_eq!(heard.next().await, "come", "the layer saw no status");
    let response = client.get("/inside").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    text(response).await;

    drop(client);
    server.stop().await;
    let report = app.shutdown().await.expect("from outside");
    assert!(heard.rest().is_empty(), "the layer saw the status of the caught panic");
    assert_eq!((report.delivered, report.is_clean()), (1, true));
}

#[tokio::test]
async fn a_panic_that_nobody_catches_loses_no_event() {
    let (app, mut heard) = start().await;
    let router = Router::new().route("/", get(spill)).layer(EventsLayer::new(app.clone()));
    let server = Server::start(router).await;
    let _asked = server.client().await.ask("/");
    assert_eq!(heard.next().await, "come");
    server.stop().await;
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn a_response_without_a_body_delivers_while_the_connection_stays() {
    let (app, mut heard) = start().await;
    let endless = async || {
        tell("endless");
        Body::from_stream(futures_util::stream::pending::<Result<&str, Infallible>>())
    };
    let router = Router::new()
        .route("/empty", get(async || tell("empty")))
        .route("/none", get(async || (tell("none"), StatusCode::NO_CONTENT).1))
        .route("/endless", get(endless))
        .layer(EventsLayer::new(app.clone()));
    let server = Server::start(router).await;

    let mut client = server.client().await;
    assert_eq!(client.get("/empty").await.headers()["content-length"], "0");
    assert_eq!(heard.next().await, "empty");
    assert_eq!(client.get("/none").await.status(), StatusCode::NO_CONTENT);
    assert_eq!(heard.next().await, "none");
    assert_eq!(client.head("/endless").await.status(), StatusCode::OK);
    assert_eq!(heard.next().await, "endless");

    drop(client);
    server.stop().await;
    app.shutdown().await.expect("from outside");
}

#[tokio::test]
async fn the_length_of_a_body_is_known() {
    let (app, mut heard) = start().await;
    let four = async || (tell("four"), "four").1;
    let server = Server::start(Router::new().route("/", get(four)).layer(EventsLayer::new(app.clone()))).await;
    let mut client = server.client().await;
    for response in [client.get("/").await, client.head("/").await] {
        assert_eq!(response.headers()["content-length"], "4");
        text(response).await;
        assert_eq!(heard.next().await, "four");
    }
    drop(client);
    server.stop().await;
    app.shutdown().await.expect("from outside");
}

const REQUESTS: usize = 200;

/// Tells its number again and again; the odd ones answer that they have failed.
async fn numbered(path: Path<usize>) -> (StatusCode, Body) {
    let number = path.0;
    Scope::current().expect("a request is in a scope").insert(number);
    let tells = move |step: usize| async move {
        tokio::task::yield_now().await;
        let own = Scope::current().and_then(|scope| scope.value::<usize>()).expect("it was given one");
        tell(format!("{} {number} {step}", *own));
        Ok::<_, Infallible>("step")
    };
    for step in 0..4 {
        let _ = tells(step).await;
    }
    let status = if number.is_multiple_of(2) { StatusCode::OK } else { StatusCode::CONFLICT };
    (status, Body::from_stream(futures_util::stream::iter(4..8).then(tells)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_at_the_same_time_do_not_see_each_others_events() {
    let (app, mut heard) = start().await;
    let layer = EventsLayer::new(app.clone()).discard_if(|status| status == StatusCode::CONFLICT);
    let server = Server::start(Router::new().route("/{number}", get(numbered)).layer(layer)).await;
    let mut clients = Vec::new();
    for _ in 0..REQUESTS {
        clients.push(server.client().await);
    }
    let ask =
        |(number, mut client): (usize, Client)| async move { text(client.get(&format!("/{number}")).await).await };
    let requests: JoinSet<_> = clients.into_iter().enumerate().map(ask).collect();
    assert!(requests.join_all().await.iter().all(|text| text == "stepstepstepstep"));
    server.stop().await;
    app.shutdown().await.expect("from outside");

    let mut of_requests = vec![Vec::new(); REQUESTS];
    for line in heard.rest() {
        let numbers: Vec<usize> = line.split(' ').map(|number| number.parse().expect("a number")).collect();
        assert_eq!(numbers[0], numbers[1], "a scope has its own values");
        of_requests[numbers[1]].push(numbers[2]);
    }
    for (number, steps) in of_requests.iter().enumerate() {
        let expected: Vec<_> = if number % 2 == 0 { (0..8).collect() } else { Vec::new() };
        assert_eq!(*steps, expected, "request {number}");
    }
}

#[tokio::test]
async fn shutdown_waits_for_open_bodies() {
    let (app, mut heard) = start().await;
    let (server, sender) = streaming(&app).await;
    let mut client = server.client().await;
    let mut response = client.get("/stream").await;
    sender.send("a").await.expect("the server listens");
    assert_eq!(piece(&mut response).await.as_deref(), Some("a"));

    let ending = tokio::spawn({
        let app = app.clone();
        async move { app.shutdown().await }
    });
    other(&server, &mut heard).await;
    assert!(!ending.is_finished(), "requests are served, and their events delivered, while it waits");
    drop(sender);
    assert_eq!(piece(&mut response).await, None);
    let report = ending.await.expect("no panic").expect("from outside");
    assert_eq!((report.delivered, report.is_clean()), (2, true));
    assert_eq!(heard.rest(), ["a"]);

    drop(client);
    server.stop().await;
}
