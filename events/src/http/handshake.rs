//! The handshake that comes before a webhook: whether somebody may send events here at all.

use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::{ALLOW, HeaderMap};
use http::{HeaderValue, StatusCode};

use super::problem::Refusal;

/// What a sender of events asks for before it sends any: the abuse protection of
/// [`CloudEvents` over webhooks](https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md), section 4.
///
/// What it says of itself is not proved by anything. It is no authentication, but keeps somebody else's system from being told
/// to send its events here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandshakeRequest {
    /// The system that would send: a name of the DNS, `eventemitter.example.com`.
    pub origin: String,
    /// How many requests it would send a minute, where it says that.
    pub rate: Option<u32>,
    /// A URL by which permission may be granted later, by a request of GET or POST. It is a stranger's: whoever asks it of this
    /// process sees to it that it leads nowhere inside. [`Intake`](super::Intake) never does.
    pub callback: Option<String>,
}

/// What a sender of events is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Handshake {
    /// It may send so many requests a minute, or as many as it likes. Nobody counts them here.
    Allow {
        /// How many; without a number, as many as it likes.
        rate: Option<u32>,
    },
    /// It may not, as far as this answer goes: by the [callback](HandshakeRequest::callback) it may be told otherwise later.
    Withhold,
}

type Decide = dyn Fn(&HandshakeRequest) -> Handshake + Send + Sync;

/// Decides about senders.
#[derive(Clone)]
pub(super) struct Decision(Arc<Decide>);

impl Decision {
    pub(super) fn new(decide: impl Fn(&HandshakeRequest) -> Handshake + Send + Sync + 'static) -> Self {
        Self(Arc::new(decide))
    }

    /// The answer to a request of `OPTIONS`.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Response {
        let mut response = match HandshakeRequest::read(headers) {
            // Some other question, that of a browser for one.
            None => empty(StatusCode::METHOD_NOT_ALLOWED),
            Some(Err(refusal)) => super::problem::Problem::from(refusal).into_response(),
            Some(Ok(asked)) => match ((self.0)(&asked), HeaderValue::from_str(&asked.origin)) {
                (Handshake::Allow { rate }, Ok(origin)) => allowed(rate, origin),
                _ => empty(StatusCode::FORBIDDEN),
            },
        };
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST, OPTIONS"));
        response
    }
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn allowed(rate: Option<u32>, origin: HeaderValue) -> Response {
    let mut response = empty(StatusCode::OK);
    let rate = rate.map_or_else(|| HeaderValue::from_static("*"), HeaderValue::from);
    response.headers_mut().insert("webhook-allowed-origin", origin);
    response.headers_mut().insert("webhook-allowed-rate", rate);
    response
}

impl HandshakeRequest {
    /// Nothing where nobody asks.
    fn read(headers: &HeaderMap) -> Option<Result<Self, Refusal>> {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default().trim_ascii());
        let origin = text("webhook-request-origin")?;
        if origin.is_empty() {
            return Some(Err(Refusal::malformed("header `webhook-request-origin` is no name of the DNS")));
        }
        let rate = match text("webhook-request-rate").map(str::parse).transpose() {
            Ok(rate) if rate != Some(0) => rate,
            _ => return Some(Err(Refusal::malformed("header `webhook-request-rate` is no number above 0"))),
        };
        let callback = text("webhook-request-callback").filter(|callback| !callback.is_empty()).map(ToOwned::to_owned);
        Some(Ok(Self { origin: origin.to_owned(), rate, callback }))
    }
}

impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision").finish_non_exhaustive()
    }
}
