//! A handler of axum that streams events.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::handler::Handler;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderName, StatusCode};
use tokio::time::Instant;

use super::feed::Feed;
use super::log::{Entry, Start};
use super::reader::Reader;
use crate::envelope::Envelope;
use crate::pattern::Pattern;

/// When readers may come back for whom there is no place, in seconds.
const COME_BACK: &str = "5";

type Filter = dyn Fn(&Envelope) -> bool + Send;
type MakeFilter = dyn Fn(&Parts) -> Box<Filter> + Send + Sync;

/// Streams events of a [`Feed`] to whoever asks: a handler of axum, from [`Feed::route`].
///
/// It answers 200 with `text/event-stream`, `Cache-Control: no-store` and `X-Accel-Buffering: no`; and 503 with `Retry-After: 5`
/// when the feed has [as many readers](super::FeedBuilder::max_readers) as it may have, or is closed. Who may read at all is for a layer
/// around the route to say; who may see which event, for a [filter](Self::filter).
///
/// # Examples
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use events::Envelope;
/// use events::sse::Feed;
///
/// #[derive(Clone)]
/// struct Tenant(String); // put into the request by a layer that knows who asks
///
/// let feed = Feed::new();
/// let own = feed.route("order-*").and("invoice-*").filter(|request| {
///     let tenant = request.extensions.get::<Tenant>().cloned();
///     move |event: &Envelope| tenant.as_ref().is_some_and(|tenant| event.partition_key() == Some(&tenant.0))
/// });
/// let router: Router = Router::new().route("/orders", get(own));
/// ```
#[derive(Clone)]
pub struct FeedRoute {
    feed: Feed,
    patterns: Arc<[String]>,
    filter: Option<Arc<MakeFilter>>,
    is_from_oldest: bool,
}

impl FeedRoute {
    pub(super) fn new(feed: Feed, pattern: &str) -> Self {
        Self { feed, patterns: [pattern.to_owned()].into(), filter: None, is_from_oldest: false }
    }

    /// Streams the events too whose names match another [`Pattern`](crate::Pattern). Each event is streamed once.
    #[must_use]
    pub fn and(mut self, pattern: &str) -> Self {
        self.patterns = self.patterns.iter().cloned().chain([pattern.to_owned()]).collect();
        self
    }

    /// Says which events a reader may see: the closure gets the head of the reader's request, once, and makes another one, which
    /// is asked for each event. It replaces the one that was said before.
    #[must_use]
    pub fn filter<F>(mut self, filter: impl Fn(&Parts) -> F + Send + Sync + 'static) -> Self
    where
        F: Fn(&Envelope) -> bool + Send + 'static,
    {
        self.filter = Some(Arc::new(move |parts| Box::new(filter(parts))));
        self
    }

    /// Has readers without a `Last-Event-ID` begin with the oldest event of the buffer. Without it, they begin with the next one.
    #[must_use]
    pub fn from_oldest(mut self) -> Self {
        self.is_from_oldest = true;
        self
    }

    /// Answers a request: for handlers that do something else first.
    pub fn respond(&self, request: &Parts) -> Response {
        let shared = &self.feed.shared;
        if shared.head.borrow().is_closed {
            return unavailable("the stream has ended\n");
        }
        let Some(place) = shared.places.take(Instant::now()) else {
            return unavailable("there are too many readers\n");
        };
        let (patterns, filter) = (Arc::clone(&self.patterns), self.filter.as_ref().map(|make| make(request)));
        let sees = move |entry: &Entry| {
            let name = entry.envelope.name();
            patterns.iter().any(|pattern| Pattern::new(pattern).matches(name))
                && filter.as_ref().is_none_or(|filter| filter(&entry.envelope))
        };
        let reader = Reader::new(Arc::clone(shared), Box::new(sees), self.start(request), place);
        let frames =
            stream::unfold(reader, async |mut reader| Some((Ok::<_, Infallible>(reader.next().await?), reader)));
        let headers = [
            (CONTENT_TYPE, "text/event-stream"),
            (CACHE_CONTROL, "no-store"),
            // Proxies such as nginx would hold events back until there are enough of them.
            (HeaderName::from_static("x-accel-buffering"), "no"),
        ];
        (headers, Body::from_stream(frames)).into_response()
    }

    fn start(&self, request: &Parts) -> Start {
        let log = self.feed.shared.log();
        let id = request.headers.get("last-event-id").map(|value| String::from_utf8_lossy(value.as_bytes()));
        match id.filter(|id| !id.is_empty()) {
            Some(id) => log.after(&id),
            None if self.is_from_oldest => Start { number: log.first(), has_lost: false },
            None => Start { number: log.end(), has_lost: false },
        }
    }
}

fn unavailable(reason: &'static str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, COME_BACK)], reason).into_response()
}

impl<S> Handler<(), S> for FeedRoute {
    type Future = Ready<Response>;

    fn call(self, request: Request, _: S) -> Self::Future {
        ready(self.respond(&request.into_parts().0))
    }
}

impl fmt::Debug for FeedRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedRoute").field("feed", &self.feed).field("patterns", &self.patterns).finish_non_exhaustive()
    }
}
