//! What the tests of HTTP share: events whose handlers do as their payloads say, requests, and a client that also does what no
//! good client does.

#![allow(dead_code, reason = "each test file takes what it needs")]

pub(crate) mod receiver;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use events::{Event, Lifespan, LifespanBuilder, Mark, Metadata, State, on};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tower::ServiceExt as _;
use validator::Validate;

/// Longer than anything takes, so that what never comes is told of.
pub(crate) const FOR_EVER: Duration = Duration::from_mins(1);

#[derive(Debug, Event, Serialize, Deserialize, Validate)]
#[event(alias = "cat_fed")]
pub(crate) struct CatFed {
    #[validate(range(min = 1, max = 10))]
    pub(crate) fish: u32,
}

#[derive(Debug, Event, Serialize, Deserialize)]
pub(crate) struct CatSlept;

/// An event of which two handlers are told what to do.
#[derive(Debug, Event, Serialize, Deserialize)]
pub(crate) struct CatTold {
    pub(crate) to: String,
}

/// What the handlers have done, in order.
#[derive(Clone, Debug)]
pub(crate) struct Done(Arc<Mutex<Vec<String>>>, watch::Sender<usize>);

impl Done {
    pub(crate) fn write(&self, line: impl Into<String>) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line.into());
        self.1.send_replace(lines.len());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until there are so many lines, and answers all that there are.
    pub(crate) async fn wait(&self, count: usize) -> Vec<String> {
        let mut seen = self.1.subscribe();
        let enough = timeout(FOR_EVER, seen.wait_for(|lines| *lines >= count)).await;
        assert!(enough.is_ok(), "{count} lines are to come: {:?}", self.lines());
        self.lines()
    }
}

/// What `hang` waits for.
pub(crate) struct Gate {
    places: Semaphore,
}

#[on]
async fn eat(event: &CatFed, metadata: Metadata, done: State<Done>) {
    done.write(format!("fed {} {}", event.fish, metadata.id()));
}

#[on]
fn sleep(_: &CatSlept, done: State<Done>) {
    done.write("slept");
}

#[on]
async fn obey(event: &CatTold, mark: Mark, done: State<Done>, gate: State<Gate>) -> Result<(), String> {
    match event.to.as_str() {
        "fail" => return Err("the password is swordfish".into()),
        "panic" => panic!("the password is swordfish"),
        "fail, but accept" => {
            mark.accept();
            return Err("the password is swordfish".into());
        }
        "reject" => mark.reject(),
        "requeue" => mark.requeue(),
        "hang" => gate.places.acquire().await.map_err(|error| error.to_string())?.forget(),
        _ => {}
    }
    done.write(format!("told to {}", event.to));
    Ok(())
}

#[on]
fn hear(_: &CatTold, done: State<Done>) {
    done.write("heard");
}

pub(crate) async fn start_with(builder: LifespanBuilder) -> (Lifespan, Done) {
    let done = Done(Arc::default(), watch::Sender::new(0));
    let builder = builder.state(done.clone()).state(Gate { places: Semaphore::new(0) });
    (builder.start().await.expect("a lifespan"), done)
}

pub(crate) async fn start() -> (Lifespan, Done) {
    start_with(Lifespan::builder()).await
}

pub(crate) fn open_gate(app: &Lifespan) {
    app.state::<Gate>().expect("it has one").places.add_permits(1);
}

/// A `CatFed` as JSON.
pub(crate) fn fed(id: &str, fish: u32) -> Value {
    json!({"specversion": "1.0", "type": "cat-fed", "source": "/test", "id": id, "data": {"fish": fish}})
}

/// A `CatTold` as JSON.
pub(crate) fn told(id: &str, to: &str) -> Value {
    json!({"specversion": "1.0", "type": "cat-told", "source": "/test", "id": id, "data": {"to": to}})
}

pub(crate) fn post(path: &str, content_type: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::post(path).header("content-type", content_type);
    request.body(body.into()).expect("a request")
}

pub(crate) fn structured(event: &Value) -> Request<Body> {
    post("/", "application/cloudevents+json", event.to_string())
}

pub(crate) fn batch(events: &[Value]) -> Request<Body> {
    post("/", "application/cloudevents-batch+json", json!(events).to_string())
}

pub(crate) fn plain(name: &str, body: &str) -> Request<Body> {
    post(&format!("/events/{name}"), "application/json", body.to_owned())
}

/// The same request with another header.
pub(crate) fn with(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().append(name, value.parse().expect("a value"));
    request
}

pub(crate) async fn ask(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
}

pub(crate) async fn body(response: Response<Body>) -> Value {
    let bytes = response.into_body().collect().await.expect("the body ends well").to_bytes();
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{error}: {bytes:?}"))
}

/// Status and body.
pub(crate) async fn answer(router: &Router, request: Request<Body>) -> (u16, Value) {
    let response = ask(router, request).await;
    (response.status().as_u16(), body(response).await)
}

/// Status and code of a request that is refused.
pub(crate) async fn refusal(router: &Router, request: Request<Body>) -> (u16, String) {
    let response = ask(router, request).await;
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem = body(response).await;
    assert_eq!(problem["status"], status, "{problem}");
    (status, problem["code"].as_str().unwrap_or_else(|| panic!("{problem}")).to_owned())
}

/// A server on a port of its own, until the test ends.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async { axum::serve(listener, router).await });
    address
}

/// A connection that is written to byte by byte.
pub(crate) struct Wire(BufReader<TcpStream>);

/// What came over a connection.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(address).await.expect("the server listens")))
    }

    /// Whether the other side still took it.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Says that no more will come.
    pub(crate) async fn half_close(&mut self) {
        self.0.shutdown().await.expect("it is open");
    }

    /// The next reply; none where the connection ends before.
    pub(crate) async fn reply(&mut self) -> Option<Reply> {
        timeout(FOR_EVER, self.read()).await.expect("the server answers, or closes")
    }

    async fn read(&mut self) -> Option<Reply> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head).await.ok()? == 0 {
                return None;
            }
        }
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let lower = head.to_ascii_lowercase();
        let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body).await.ok()?;
        Some(Reply { status, head: lower, body: String::from_utf8(body).expect("text") })
    }

    /// Whether the other side closes the connection, without another byte.
    pub(crate) async fn is_closed(&mut self) -> bool {
        let mut rest = [0];
        matches!(timeout(FOR_EVER, self.0.read(&mut rest)).await.expect("it closes"), Ok(0) | Err(_))
    }
}
