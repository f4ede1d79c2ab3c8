//! Connections that outlive their request: web sockets, and upgrades by hand.

mod layer_support;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::routing::get;
use events::tower::EventsLayer;
use events::{DispatchError, InScopeExt as _, Lifespan, Scope, dispatch};
use futures_util::{SinkExt as _, StreamExt as _};
use http::header::{CONNECTION, UPGRADE};
use http::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use layer_support::{Server, Told, start, tell};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite};

async fn connect(server: &Server) -> WebSocketStream<TcpStream> {
    let stream = TcpStream::connect(server.address()).await.expect("the server listens");
    let url = format!("ws://{}/", server.address());
    client_async(url, stream).await.expect("the server agrees to the upgrade").0
}

/// Tells each message and answers it, in a scope that is as long as the connection.
async fn talk(mut socket: WebSocket) {
    let scope = Scope::current().expect("one was opened for the connection");
    while let Some(Ok(Message::Text(text))) = socket.recv().await {
        tell(text.as_str());
        assert!(scope.flush().await.is_ok());
        socket.send(Message::Text("answered".into())).await.expect("the client is there");
    }
    tell("closed");
}

async fn upgrade(upgrade: WebSocketUpgrade, app: State<Lifespan>) -> axum::response::Response {
    tell("asked");
    upgrade.on_upgrade(move |socket| async move { app.scope(talk(socket)).await })
}

#[tokio::test]
async fn a_socket_has_a_scope_of_its_own() {
    let (app, mut heard) = start().await;
    let router = Router::new().route("/", get(upgrade)).layer(EventsLayer::new(app.clone())).with_state(app.clone());
    let server = Server::start(router).await;

    let mut socket = connect(&server).await;
    assert_eq!(heard.next().await, "asked", "the request's scope does not wait for the socket");
    for text in ["one", "two"] {
        socket.send(tungstenite::Message::text(text)).await.expect("the server is there");
        let answer = socket.next().await.expect("it is open").expect("it goes well");
        assert_eq!(answer.into_text().expect("it is text").as_str(), "answered");
        assert_eq!(heard.rest(), [text], "delivered before the answer");
    }
    let ending = tokio::spawn({
        let app = app.clone();
        async move { app.shutdown().await }
    });
    socket.close(None).await.expect("the server is there");
    let report = ending.await.expect("no panic").expect("from outside");
    assert_eq!((report.delivered, report.is_clean()), (4, true));
    assert_eq!(heard.rest(), ["closed"]);
    server.stop().await;
}

#[tokio::test]
async fn a_task_of_the_framework_stands_in_no_scope() {
    let (app, mut heard) = start().await;
    let upgrade = async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(|mut socket| async move {
            let refused = matches!(dispatch(Told("lost".into())), Err(DispatchError::NoLifespan { .. }));
            let answer = if refused { "refused" } else { "taken" };
            socket.send(Message::Text(answer.into())).await.expect("the client is there");
        })
    };
    let router = Router::new().route("/", get(upgrade)).layer(EventsLayer::new(app.clone()));
    let server = Server::start(router).await;
    let mut socket = connect(&server).await;
    let answer = socket.next().await.expect("it is open").expect("it goes well");
    assert_eq!(answer.into_text().expect("it is text").as_str(), "refused");
    drop(socket);
    server.stop().await;
    app.shutdown().await.expect("from outside");
    assert!(heard.rest().is_empty());
}

/// Answers each byte with itself, and tells when the other side has closed.
async fn echo(request: Request) -> Response<axum::body::Body> {
    tell("asked");
    let task = async move {
        let upgraded = hyper::upgrade::on(request).await.expect("the client agrees");
        tell("upgraded");
        let mut connection = TokioIo::new(upgraded);
        while let Ok(byte) = connection.read_u8().await {
            connection.write_u8(byte).await.expect("the client is there");
        }
        tell("closed");
    };
    tokio::spawn(task.in_scope());
    let head = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS).header(CONNECTION, "upgrade");
    head.header(UPGRADE, "echo").body(axum::body::Body::empty()).expect("a response")
}

#[tokio::test]
async fn a_task_that_carries_the_scope_outlives_it() {
    let (app, mut heard) = start().await;
    let layer = EventsLayer::new(app.clone()).discard_if(|status| status == StatusCode::SWITCHING_PROTOCOLS);
    let server = Server::start(Router::new().route("/", get(echo)).layer(layer)).await;

    let mut client = server.client().await;
    let request = Request::get("/").header(CONNECTION, "upgrade").header(UPGRADE, "echo");
    let response = client.send(request.body(axum::body::Body::empty()).expect("a request")).await;
    let upgraded = hyper::upgrade::on(response).await.expect("the server agrees");
    assert_eq!(heard.next().await, "upgraded", "to the lifespan, at once; what the scope had was forgotten");
    let mut connection = TokioIo::new(upgraded);
    connection.write_u8(7).await.expect("the server is there");
    assert_eq!(connection.read_u8().await.expect("the server answers"), 7);
    drop((connection, client));
    assert_eq!(heard.next().await, "closed");

    server.stop().await;
    app.shutdown().await.expect("from outside");
}
