//! What the tests of the layer share: events that are heard of when they are delivered, and a server and its clients.

#![allow(dead_code, reason = "each test file takes what it needs")]

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use events::{DispatchError, Event, Lifespan, State, dispatch, on};
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

/// An event that is heard of when it is delivered.
#[derive(Event)]
pub(crate) struct Told(pub(crate) String);

/// An event whose handler waits until the lifespan's semaphore lets it go on.
#[derive(Event)]
pub(crate) struct Held(pub(crate) String);

/// Longer than any delivery takes, so that one that never comes is told of.
const FOR_EVER: Duration = Duration::from_secs(30);

pub(crate) struct Voice(mpsc::UnboundedSender<String>);

impl Voice {
    fn say(&self, what: &str) {
        // A test may have heard enough.
        let _ = self.0.send(what.into());
    }
}

#[on]
fn say(event: &Told, voice: State<Voice>) {
    voice.say(&event.0);
}

#[on]
async fn say_later(event: &Held, voice: State<Voice>, gate: State<Semaphore>) {
    gate.acquire().await.expect("nobody closes it").forget();
    voice.say(&event.0);
}

pub(crate) fn tell(what: impl Into<String>) {
    dispatch(Told(what.into())).expect("the request is in an open lifespan");
}

/// What has been delivered, in order.
pub(crate) struct Heard(mpsc::UnboundedReceiver<String>);

impl Heard {
    /// Waits for the next delivery.
    pub(crate) async fn next(&mut self) -> String {
        let next = tokio::time::timeout(FOR_EVER, self.0.recv()).await;
        next.expect("an event is delivered").expect("the lifespan keeps the other end")
    }

    /// What has been delivered since.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}

pub(crate) async fn start() -> (Lifespan, Heard) {
    let (voice, heard) = mpsc::unbounded_channel();
    let builder = Lifespan::builder().state(Voice(voice)).state(Semaphore::new(0));
    (builder.start().await.expect("a lifespan"), Heard(heard))
}

/// A destructor that dispatches, as one that rolls back or releases may.
pub(crate) struct TellsWhenDropped(pub(crate) &'static str);

impl Drop for TellsWhenDropped {
    fn drop(&mut self) {
        // A body may outlive the lifespan.
        let told = dispatch(Told(self.0.into()));
        assert!(matches!(told, Ok(()) | Err(DispatchError::Closed { .. })), "{told:?}");
    }
}

/// A server on a port of its own.
pub(crate) struct Server {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub(crate) async fn start(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let (stop, stopped) = oneshot::channel::<()>();
        let served = axum::serve(listener, router).with_graceful_shutdown(async {
            let _ = stopped.await;
        });
        Self { address, stop, task: tokio::spawn(async { served.await }) }
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.address
    }

    /// Stops the server once all its connections have ended.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.task.await.expect("it does not panic").expect("it can accept");
    }

    pub(crate) async fn client(&self) -> Client {
        Client::new(TcpStream::connect(self.address).await.expect("the server listens")).await
    }

    /// The text of a resource, asked for on a connection of its own.
    pub(crate) async fn text(&self, path: &str) -> String {
        text(self.client().await.get(path).await).await
    }
}

/// One connection to a server; it is closed when the client is dropped.
pub(crate) struct Client {
    sender: http1::SendRequest<Body>,
    connection: JoinHandle<hyper::Result<()>>,
}

impl Client {
    async fn new(stream: TcpStream) -> Self {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("it is only prepared");
        Self { sender, connection: tokio::spawn(async { connection.with_upgrades().await }) }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Response<Incoming> {
        self.send(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    pub(crate) async fn head(&mut self, path: &str) -> Response<Incoming> {
        self.send(Request::builder().method(Method::HEAD).uri(path).body(Body::empty()).expect("a request")).await
    }

    pub(crate) async fn send(&mut self, request: Request<Body>) -> Response<Incoming> {
        self.sender.ready().await.expect("the connection is open");
        self.sender.send_request(request).await.expect("the server answers")
    }

    /// Sends a request whose response nobody waits for.
    pub(crate) fn ask(mut self, path: &'static str) -> JoinHandle<()> {
        tokio::spawn(async move {
            self.get(path).await;
        })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// The rest of a response's body.
pub(crate) async fn text(response: Response<Incoming>) -> String {
    let bytes = response.into_body().collect().await.expect("the body ends well").to_bytes();
    String::from_utf8(bytes.into()).expect("it is text")
}

/// The next piece of a response's body.
pub(crate) async fn piece(response: &mut Response<Incoming>) -> Option<String> {
    let frame = response.body_mut().frame().await?.expect("the body goes on");
    let data = frame.into_data().expect("no trailers");
    Some(String::from_utf8(data.into()).expect("it is text"))
}
