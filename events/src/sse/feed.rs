//! Events on their way to browsers.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::format::Plain;
use super::frame;
use super::log::{Entry, Log};
use super::places::Places;
use super::position::can_be_sent;
use super::route::FeedRoute;
use crate::envelope::Envelope;
use crate::error::BoxError;
use crate::format::Format;
use crate::metadata::random_part;
use crate::sink::{Sink, SinkError};

/// Streams events to browsers, and to whoever else reads [Server-Sent Events](https://html.spec.whatwg.org/multipage/server-sent-events.html).
///
/// Its [sink](Self::sink) takes events from a lifespan, and its [routes](Self::route) are handlers of axum that stream them. All
/// readers read one buffer of the last events, each at its own pace; none of them delays an event, a handler, a sink or another
/// reader. Clones are the same feed.
///
/// # What becomes what
///
/// An event is written as its name in `event`, its identity in `id`, and its payload in `data`: in a browser,
/// `source.addEventListener("cat-fed", event => JSON.parse(event.data))`. The identity has to have at most 1024 bytes and no
/// control characters, or the feed makes another one. [`format`](FeedBuilder::format) writes something else into the data, such
/// as whole `CloudEvents` for [`SseSource`](super::SseSource); what a format writes beside the body is not sent. Line breaks of
/// whatever kind are line feeds on the other side. What is not UTF-8 cannot be sent, which is a permanent error.
///
/// # What readers miss
///
/// A reader that comes back with a `Last-Event-ID` first gets what it has missed, out of the buffer. One whose `id` is not in the
/// buffer, because it was away for too long or the process is a new one, gets an event `events-lost`, with the data
/// `{"skipped":null}`, and then all that the buffer has. A reader without an `id` begins with the next event, unless its route
/// begins with the [oldest](FeedRoute::from_oldest). Since an `id` is the identity of an event, a reader may come back to
/// another process, if that one's feed gets the same events.
///
/// A reader that is slower than the events come, by more than [`max_lag`](FeedBuilder::max_lag) events, has its stream ended: it
/// comes back with its `Last-Event-ID`, and misses nothing that is still in the buffer. [`SlowReaders`] has another choice.
///
/// A reader that leaves what it was given, because nobody reads its socket, is one no more after
/// [a minute](FeedBuilder::take_within): its place is free for others, and its stream ends, once the server asks for more of it. It
/// keeps no event from being dropped that the buffer drops; what the server has of it, some 400 KiB with HTTP/1, it has until the
/// socket is closed. When that happens is the server's business, or that of a proxy before it.
///
/// # The end
///
/// [`close`](Self::close) ends all streams, once they have what the buffer has, so that axum's graceful shutdown need not wait for
/// readers who would never leave; readers that come later are answered 503. The end of the lifespan does the same, after its last
/// event, but servers end before their lifespan does. Readers come back by themselves, to the next process.
///
/// # Examples
///
/// ```standalone_crate
/// use axum::Router;
/// use axum::routing::get;
/// use events::sse::Feed;
/// use events::{Event, Lifespan, dispatch};
///
/// #[derive(Event, serde::Serialize)]
/// struct CatFed {
///     fish: u32,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let feed = Feed::new();
/// let app = Lifespan::builder().sink("cat-*", feed.sink()).start().await?;
/// let router: Router = Router::new().route("/cats", get(feed.route("cat-fed")));
///
/// app.scope(async { dispatch(CatFed { fish: 2 }) }).await?;
/// // axum::serve(listener, router).with_graceful_shutdown(async move {
/// //     signal.await;
/// //     feed.close();
/// // }).await?;
/// # drop(router);
/// app.shutdown().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Feed {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) settings: Settings,
    log: Mutex<Log>,
    /// How many events there have been, and whether there will be more.
    pub(super) head: watch::Sender<Head>,
    pub(super) places: Arc<Places>,
    /// For identities that are the feed's own.
    part: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Head {
    end: u64,
    pub(super) is_closed: bool,
}

pub(super) struct Settings {
    replay: usize,
    replay_bytes: usize,
    max_readers: usize,
    take_within: Duration,
    pub(super) max_lag: u64,
    pub(super) slow: SlowReaders,
    pub(super) keep_alive: Duration,
    pub(super) retry: Option<Duration>,
    format: Box<dyn Format>,
}

/// What becomes of a reader that is slower than the events come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlowReaders {
    /// Its stream is ended: it comes back, and gets what it has missed out of the buffer.
    #[default]
    End,
    /// The oldest events that it has not read are left out. It gets an event `events-lost` in their place, with the data
    /// `{"skipped":12}`: so many events of the feed, whether they were for this reader or not.
    Skip,
}

impl Feed {
    /// A feed that keeps 1000 events.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A feed with other bounds.
    pub fn builder() -> FeedBuilder {
        FeedBuilder {
            settings: Settings {
                replay: 1000,
                replay_bytes: 16 << 20,
                max_readers: 1024,
                take_within: Duration::from_mins(1),
                max_lag: 256,
                slow: SlowReaders::End,
                keep_alive: Duration::from_secs(15),
                retry: None,
                format: Box::new(Plain),
            },
        }
    }

    /// A sink that puts events into the feed.
    pub fn sink(&self) -> FeedSink {
        FeedSink { feed: self.clone() }
    }

    /// A handler of axum that streams the events whose names match a [`Pattern`](crate::Pattern):
    /// `Router::new().route("/cats", get(feed.route("cat-*")))`.
    pub fn route(&self, pattern: &str) -> FeedRoute {
        FeedRoute::new(self.clone(), pattern)
    }

    /// How many readers there are, without those that take [nothing](FeedBuilder::take_within).
    pub fn readers(&self) -> usize {
        self.shared.places.count(Instant::now())
    }

    /// Ends all streams, and takes no more readers.
    pub fn close(&self) {
        self.shared.head.send_modify(|head| head.is_closed = true);
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("readers", &self.readers()).finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn data(&self, envelope: &Envelope) -> Result<String, BoxError> {
        let message = self.settings.format.encode(envelope)?;
        Ok(String::from_utf8(message.body).map_err(|_| "a stream of events is UTF-8, and the event is not")?)
    }

    fn entry(&self, envelope: &Envelope) -> Result<Entry, BoxError> {
        let data = self.data(envelope)?;
        let mut id = envelope.id().to_string();
        if id.is_empty() || !can_be_sent(&id) {
            id = format!("{:016x}-{:016x}", self.part, random_part());
        }
        let frame = frame::event(envelope.name(), Some(&id), &data);
        let entry = Entry { id: id.into(), frame, envelope: envelope.clone() };
        let (bytes, limit) = (entry.bytes(), self.settings.replay_bytes);
        if bytes > limit {
            return Err(format!("the event takes {bytes} bytes of the feed, which keeps {limit}").into());
        }
        Ok(entry)
    }

    /// What a reader is told that has missed events.
    pub(super) fn lost(&self, skipped: Option<u64>, last: Option<&Entry>) -> axum::body::Bytes {
        let payload = serde_json::json!({ "skipped": skipped }).to_string();
        let origin = last.map(|entry| entry.envelope.origin()).filter(|origin| !origin.is_empty()).unwrap_or("/");
        let id = format!("{:016x}-{:016x}", self.part, random_part());
        let envelope = Envelope::new(frame::LOST, payload.as_str()).with_id(&id).with_origin(origin);
        // It has no `id` in the stream: there, that is the last event that the reader has.
        frame::event(frame::LOST, None, &self.data(&envelope).unwrap_or(payload))
    }
}

/// Puts events into a [`Feed`]. An event counts as sent when it is in the buffer, whoever reads it.
#[derive(Clone, Debug)]
#[must_use = "it is given to `LifespanBuilder::sink`"]
pub struct FeedSink {
    feed: Feed,
}

impl Sink for FeedSink {
    async fn send(&self, envelope: &Envelope) -> Result<(), SinkError> {
        self.send_many(std::slice::from_ref(envelope)).await.pop().unwrap_or(Ok(()))
    }

    async fn send_many(&self, envelopes: &[Envelope]) -> Vec<Result<(), SinkError>> {
        let shared = &self.feed.shared;
        let entries: Vec<_> = envelopes.iter().map(|envelope| shared.entry(envelope)).collect();
        let mut log = shared.log();
        let push = |entry: Result<Entry, BoxError>| entry.map(|entry| log.push(entry)).map_err(SinkError::permanent);
        let answers = entries.into_iter().map(push).collect();
        let end = log.end();
        drop(log);
        shared.head.send_modify(|head| head.end = head.end.max(end));
        answers
    }

    async fn close(&self) -> Result<(), SinkError> {
        self.feed.close();
        Ok(())
    }
}

/// The bounds of a [`Feed`], and what it does at them: [`Feed::builder`].
#[must_use = "`build` makes a feed"]
pub struct FeedBuilder {
    settings: Settings,
}

impl FeedBuilder {
    /// How many of the last events are kept for readers that come back; at least 1. The default is 1000.
    pub fn replay(mut self, events: usize) -> Self {
        self.settings.replay = events.max(1);
        self
    }

    /// How many bytes the events have together that are kept: payloads, and what is written of them. The default is 16 MiB. A
    /// single event that has more cannot be sent, which is a permanent error.
    pub fn replay_bytes(mut self, bytes: usize) -> Self {
        self.settings.replay_bytes = bytes;
        self
    }

    /// How many readers there are at most; past it they are answered 503 with `Retry-After`. The default is 1024.
    pub fn max_readers(mut self, readers: usize) -> Self {
        self.settings.max_readers = readers;
        self
    }

    /// How long a reader may leave what it was given before another one may have its place; at least 1 ms. The default is 1 min.
    /// The time runs while the server has some of it and cannot be rid of it, since the other side reads nothing, or too slowly; it
    /// does not run while there is nothing to read.
    pub fn take_within(mut self, limit: Duration) -> Self {
        self.settings.take_within = limit.max(Duration::from_millis(1));
        self
    }

    /// By how many events a reader may fall behind, more than it was when it came. The default is 256. One that is behind all
    /// that the buffer has is slow in any case.
    pub fn max_lag(mut self, events: u64) -> Self {
        self.settings.max_lag = events.max(1);
        self
    }

    /// What becomes of a reader that falls further behind. The default is [`SlowReaders::End`].
    pub fn slow_readers(mut self, choice: SlowReaders) -> Self {
        self.settings.slow = choice;
        self
    }

    /// After how long without an event a comment is sent, so that nobody on the way takes the connection for dead; at least
    /// 1 ms. The default is 15 s.
    pub fn keep_alive(mut self, pause: Duration) -> Self {
        self.settings.keep_alive = pause.max(Duration::from_millis(1));
        self
    }

    /// Tells readers how long to wait before they come back. Without it, browsers wait some seconds.
    pub fn retry(mut self, pause: Duration) -> Self {
        self.settings.retry = Some(pause);
        self
    }

    /// Says how events are written into the data. Without it, that is the payload.
    pub fn format(mut self, format: impl Format) -> Self {
        self.settings.format = Box::new(format);
        self
    }

    /// Makes the feed.
    pub fn build(self) -> Feed {
        let settings = self.settings;
        let log = Mutex::new(Log::new(settings.replay, settings.replay_bytes));
        let places = Places::new(settings.max_readers, settings.take_within);
        let (head, _) = watch::channel(Head::default());
        Feed { shared: Arc::new(Shared { settings, log, head, places, part: random_part() }) }
    }
}

impl fmt::Debug for FeedBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedBuilder").finish_non_exhaustive()
    }
}
