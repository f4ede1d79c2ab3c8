//! A stream that events come from.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use reqwest::{Client, Url};
use tokio::sync::OnceCell;

use super::connect::Request;
use super::format::Plain;
use super::incoming::{Settings, SseIncoming, pause};
use super::position::{Resume, can_be_sent};
use crate::client::{self, Authorities, Unfit};
use crate::format::{Format, Message};
use crate::source::{Source, SourceError};
use crate::telemetry::Destination;
use crate::trust;

/// Follows an event stream over HTTP: [Server-Sent Events](https://html.spec.whatwg.org/multipage/server-sent-events.html).
///
/// # What becomes what
///
/// | of the stream | of the event |
/// |---|---|
/// | `event` | its name; `message` where there is none |
/// | `data` | its payload: as it is where it is JSON, and as a text where it is not |
/// | `id` of the very event | its identity; a new one where there is none |
///
/// So `data: 17` is the number 17, and `data: hello` the text `"hello"`; [`text`](Self::text) makes texts of all. The
/// [`Message`](crate::Message) has the payload as its body, and the headers `sse-event` and `sse-id`. A stream whose names are
/// not events' names has one by [`named`](crate::SourceExt::named); and where the data holds whole `CloudEvents`,
/// `.format(CloudEvents::structured())` reads them.
///
/// The text is read exactly as the specification says, whatever pieces it comes in; what is not UTF-8 becomes U+FFFD.
///
/// # Settlement
///
/// A stream knows no settlement: what this source knows of its position, it keeps in memory. That is the last `id` up to which
/// every event is settled by [`Ack`](crate::Settlement::Ack) or [`Reject`](crate::Settlement::Reject), which mean the same
/// here, and it is the `Last-Event-ID` of the next connection. So each event is delivered at least once, as far as the server
/// can go back; an event that took long may have those behind it come again, up to the
/// [`concurrency`](crate::SourceExt::concurrency). Programs that must not forget over their own end store the header `sse-id`
/// with what they did, and begin with [`last_event_id`](Self::last_event_id).
///
/// [`Requeue`](crate::Settlement::Requeue), which is what becomes of an event of which some handler failed, delivers the event
/// again from memory, after 100 ms, then 400 ms, then four times as long each time, up to 10 s; the stream goes on meanwhile.
/// After [`max_deliveries`](Self::max_deliveries) it is given up, which is reported as a [`Failure`](crate::Failure).
///
/// # When the connection is lost
///
/// What is under way is waited for, 10 s at most, so that it does not come again. Then the source connects again: not before
/// the time that the server has asked for by `retry`, 1 s where it has not, 1 h at most; nor before the source's
/// [back-off](crate::SourceExt::backoff). Any status but 200, and any content type but `text/event-stream`, is an error that is
/// tried again, after the `Retry-After` that came with it. The one exception is 204, by which a server says that it wants no more
/// connections: the source has ended then, and a warning says so.
///
/// Redirects are followed, at most 10 in a row, and never from `https` to `http`. Another host, port or scheme is not told the
/// headers that were said here.
///
/// # Secrets
///
/// Errors, logs, metrics and `Debug` tell of scheme, host and port of the URL, and of nothing else: paths and queries are often
/// secrets themselves. In its [address](crate::Source::address), a number stands for them that is another one in each run. In
/// metrics and spans, several streams of one host are told apart by what they are [called](Self::called).
///
/// # TLS
///
/// The server's certificate must be for the host of the URL, and its authority one that this machine trusts or
/// [`trusting`](Self::trusting) names. A machine that trusts nobody at all, such as a bare container, has to be told of an authority
/// by the variable `SSL_CERT_FILE`. What encrypts is `rustls` with the provider that the process has installed, or else with `ring`,
/// which is then installed for the process.
///
/// # Bounds
///
/// The stream is not read further while [`prefetch`](crate::SourceExt::prefetch) events are under way, those included that wait
/// to be delivered again: so many times the limit of one event is what a source may hold. An event has at most [`event_limit`](Self::event_limit) bytes: one that has more is skipped without
/// being held, and is a message that cannot be decoded, which a `Failure` reports; where more than sixteen times the limit is to
/// be skipped, the connection is given up. An `id` that has more than 1024 bytes, or control characters, is no position and
/// no identity. A connection must begin within 30 s.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use events::sse::SseSource;
/// use events::{Event, Lifespan, on};
///
/// #[derive(Event, serde::Deserialize)]
/// struct CatFed {
///     fish: u32,
/// }
///
/// #[on]
/// async fn count(event: &CatFed) {
///     println!("{} fish", event.fish);
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cats = SseSource::new("https://cats.example/stream")?.bearer("secret")?.idle_timeout(Duration::from_secs(30));
/// let app = Lifespan::builder().source(cats).start().await?;
/// # app.shutdown().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "it is given to `LifespanBuilder::source`"]
pub struct SseSource {
    url: Url,
    headers: HeaderMap,
    authorities: Authorities,
    settings: Settings,
    resume: Arc<Resume>,
    client: OnceCell<Client>,
    name: Option<String>,
}

impl SseSource {
    /// A stream, by its URL. It is not connected yet.
    ///
    /// # Errors
    ///
    /// [`SseError`] when the URL is not one of HTTP, or has a user or a password.
    pub fn new(url: &str) -> Result<Self, SseError> {
        let url = client::url(url).map_err(|unfit| match unfit {
            Unfit::Text | Unfit::Scheme => SseError::Url,
            Unfit::User => SseError::UserInUrl,
        })?;
        let settings =
            Settings { idle_timeout: Duration::from_mins(1), event_limit: 1 << 20, max_deliveries: 4, is_text: false };
        let (resume, client) = (Arc::new(Resume::at("")), OnceCell::new());
        let (headers, authorities) = (HeaderMap::new(), Authorities::new());
        Ok(Self { url, headers, authorities, settings, resume, client, name: None })
    }

    /// Sends a header with each request, beside those that were said before.
    ///
    /// # Errors
    ///
    /// [`SseError::Header`] when the name or the value is not one of HTTP.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, SseError> {
        let (name, value) = client::header(name, value).map_err(|_| SseError::Header)?;
        self.headers.append(name, value);
        Ok(self)
    }

    /// Sends `Authorization: Bearer` with each request.
    ///
    /// # Errors
    ///
    /// [`SseError::Header`] when the token cannot stand in a header.
    pub fn bearer(self, token: &str) -> Result<Self, SseError> {
        self.header(AUTHORIZATION.as_str(), &client::bearer(token))
    }

    /// Trusts the authorities whose certificates are in the text, as PEM, beside those that this machine trusts. It may be
    /// called for one text after another.
    ///
    /// # Errors
    ///
    /// [`SseError::Certificate`] when there is no certificate in the text or one that cannot be read, [`SseError::Unencrypted`]
    /// when the URL is not `https://`.
    pub fn trusting(mut self, certificates: &str) -> Result<Self, SseError> {
        if self.url.scheme() != "https" {
            return Err(SseError::Unencrypted);
        }
        self.authorities.extend(trust::certificates(certificates).ok_or(SseError::Certificate)?);
        self.client = OnceCell::new();
        Ok(self)
    }

    /// Takes the stream up behind the event that has this `id`, as far as the server can go back.
    ///
    /// # Errors
    ///
    /// [`SseError::Id`] when it has more than 1024 bytes, or control characters.
    pub fn last_event_id(mut self, id: &str) -> Result<Self, SseError> {
        if !can_be_sent(id) {
            return Err(SseError::Id);
        }
        self.resume = Arc::new(Resume::at(id));
        Ok(self)
    }

    /// What spans and metrics call it. Without it, that is scheme, host and port of the URL.
    pub fn called(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// After how long a connection over which nothing comes, not even a comment, is given up for another one. The default is
    /// 60 s: servers should send a comment every 15 s or so.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.settings.idle_timeout = timeout;
        self
    }

    /// How many bytes the lines of one event may have, comments left out; at least 1. The default is 1 MiB.
    pub fn event_limit(mut self, bytes: usize) -> Self {
        self.settings.event_limit = bytes.max(1);
        self
    }

    /// How often an event is delivered that is requeued each time; at least once. The default is 4.
    pub fn max_deliveries(mut self, deliveries: u32) -> Self {
        self.settings.max_deliveries = deliveries.max(1);
        self
    }

    /// Takes the data of every event for a text, also where it is JSON.
    pub fn text(mut self) -> Self {
        self.settings.is_text = true;
        self
    }
}

impl Source for SseSource {
    type Incoming = SseIncoming;

    /// Without the path and the query, which may be secret.
    fn address(&self) -> String {
        let (origin, rest) = (self.url.origin().ascii_serialization(), (self.url.path(), self.url.query()));
        if rest == ("/", None) { origin } else { format!("{origin}/~{:016x}", told_apart(rest)) }
    }

    fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.url.origin().ascii_serialization())
    }

    fn destination(&self, _: &Message) -> Destination {
        // Its path may be secret.
        let named = |name: &String| Destination::new("sse").named(name.clone());
        let destination = self.name.as_ref().map_or_else(|| Destination::new("sse"), named);
        match (self.url.host_str(), self.url.port_or_known_default()) {
            (Some(host), Some(port)) => destination.at(host, port),
            _ => destination,
        }
    }

    fn default_format(&self) -> Arc<dyn Format> {
        Arc::new(Plain)
    }

    fn delays_requeued(&self) -> bool {
        true
    }

    async fn connect(&self, prefetch: usize) -> Result<SseIncoming, SourceError> {
        let client = self.client.get_or_try_init(|| client::made(&self.url, &self.authorities)).await?;
        let last_id = self.resume.last_id();
        let Self { url, headers, authorities, .. } = self;
        let request = Request { client, url, headers, authorities, last_id: &last_id };
        let response = request.open().await.map_err(|error| {
            let pause = error.retry_after().unwrap_or_default().max(pause(&self.resume));
            error.with_retry_after(pause)
        })?;
        Ok(SseIncoming::new(response, self.settings.clone(), Arc::clone(&self.resume), prefetch))
    }
}

/// A number from which nobody finds out what it was made of: not by trying either, since it is made of a number too that this
/// process tells nobody.
fn told_apart(secret: (&str, Option<&str>)) -> u64 {
    static SALT: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    SALT.hash_one(secret)
}

impl fmt::Debug for SseSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().map(HeaderName::as_str).collect();
        f.debug_struct("SseSource")
            .field("address", &self.address())
            .field("headers", &names)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Why a stream cannot be followed as it was said. It never holds what was said, which may be secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SseError {
    /// The URL is not one.
    #[error("the URL of the stream cannot be read: write `https://host/path`, or `http://`")]
    Url,
    /// The URL has a user or a password.
    #[error("the URL of the stream has a user or a password: leave them out, and say `.header(\"authorization\", ..)`")]
    UserInUrl,
    /// The header is not one.
    #[error("the header cannot be sent: a name has letters, digits and `-`, a value visible characters and spaces")]
    Header,
    /// A certificate is of no use, since the URL does not ask for TLS.
    #[error(
        "the URL of the stream does not ask for TLS, and no certificate would count: write `https://`, not `http://`"
    )]
    Unencrypted,
    /// There is no certificate, or one that cannot be read.
    #[error("{}", trust::UNREADABLE)]
    Certificate,
    /// The `id` cannot be sent.
    #[error("the last event id cannot be sent: it has more than 1024 bytes, or control characters")]
    Id,
}
