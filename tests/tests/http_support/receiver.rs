//! The other side of a webhook: it answers as it is told, and keeps what it was sent.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use http::{HeaderMap, Response};
use http_body_util::BodyExt as _;
use serde_json::Value;

use super::serve;

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("ASCII"))
    }

    /// The identities of the events of a batch.
    pub(crate) fn ids(&self) -> Vec<String> {
        assert_eq!(self.header("content-type"), Some("application/cloudevents-batch+json"));
        let events: Vec<Value> = serde_json::from_str(&self.body).expect("a list");
        events.iter().map(|event| event["id"].as_str().expect("a text").to_owned()).collect()
    }
}

type Decide = dyn Fn(&Seen) -> Option<(u16, Option<String>)> + Send + Sync;

/// A status, and a value of `Retry-After`, or of `Location`.
type Answer = (u16, Option<String>);

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    decide: Option<Arc<Decide>>,
}

/// A receiver on a port of its own.
pub(crate) struct Receiver {
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
    script: Script,
}

impl Receiver {
    /// One that answers 202 where it is not told anything else.
    pub(crate) async fn start() -> Self {
        Self::with(Script::default()).await
    }

    /// One that looks at what it is sent.
    pub(crate) async fn deciding(decide: impl Fn(&Seen) -> Option<Answer> + Send + Sync + 'static) -> Self {
        Self::with(Script { decide: Some(Arc::new(decide)), ..Script::default() }).await
    }

    async fn with(script: Script) -> Self {
        let router = Router::new().fallback(receive).with_state(script.clone());
        let address = serve(router).await;
        Self { url: format!("http://{address}/hook?key=swordfish"), address, script }
    }

    /// Answers so, once.
    pub(crate) fn answer(&self, status: u16, header: Option<&str>) {
        let mut answers = self.script.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.push_back((status, header.map(ToOwned::to_owned)));
    }

    /// What has come since.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.script.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn receive(State(script): State<Script>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let bytes = body.collect().await.expect("the body ends well").to_bytes();
    let body = String::from_utf8(bytes.into()).expect("text");
    let seen = Seen { path: head.uri.to_string(), headers: head.headers, body };
    let told = script.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let decided = script.decide.as_ref().and_then(|decide| decide(&seen));
    let (status, header) = told.or(decided).unwrap_or((202, None));
    script.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    let mut response = Response::builder().status(status);
    if let Some(value) = header {
        let name = if (300..400).contains(&status) { "location" } else { "retry-after" };
        response = response.header(name, value);
    }
    response.body(Body::from("the password is swordfish")).expect("a response")
}
