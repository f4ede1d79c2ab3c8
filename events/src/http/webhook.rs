//! The way out: a sink that posts events to a webhook.

use std::fmt;
use std::time::Duration;

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    TRANSFER_ENCODING,
};

use super::headers;
use super::post::{Draft, Endpoint};
use crate::client::{self, Unfit};
use crate::envelope::Envelope;
use crate::format::{CloudEvents, Format};
use crate::sink::{Drafts, Sink, SinkError};
use crate::telemetry::Destination;
use crate::trust;
use crate::wire::shown;

/// Posts events to a webhook, one after another, or in [batches](Self::in_batches).
///
/// Events are `CloudEvents` in binary mode, unless [`format`](Self::format) says something else: the payload is the body, and
/// the attributes are headers `ce-..`, percent-encoded as the HTTP binding has it.
///
/// # What the answers mean
///
/// | answer | what becomes of the event |
/// |---|---|
/// | 2xx | it was sent |
/// | 3xx | a permanent error: redirects are never followed, since whoever answers could send events and secrets anywhere |
/// | 410 | a permanent error, of this event and of every later one: the webhook is not asked again while this sink lives |
/// | 408, 425, 429 | it is tried again |
/// | 400, 413, 422 for a batch | its halves are sent on their own, until it is known which events are not wanted |
/// | any other 4xx | a permanent error |
/// | 5xx, no answer in time, no connection | it is tried again |
///
/// An answer that is tried again may say in `Retry-After` when, in seconds or as a date: until then, up to 5 minutes, this sink
/// sends nothing at all, and each event waits. How often an event is tried is a matter of its [attempts](crate::SinkExt::attempts).
/// An event whose answer was lost is sent again, with the same identity, and so may be there twice.
///
/// # Bounds
///
/// At most 8 requests are under way at a time; more wait, within the [time-out](crate::SinkExt::timeout) of their attempt. A
/// connection may take 10 s to be made, an answer [10 s](Self::answer_within) to come. Of the answer's body, at most 16 KiB are
/// read, within 1 s, to keep the connection; nothing of it is used or logged.
///
/// # Secrets
///
/// Errors, logs and `Debug` tell of scheme, host and port of the URL, and of nothing else: paths and queries of webhooks are
/// often secrets themselves. What the environment says of proxies (`HTTPS_PROXY`, `NO_PROXY`) holds.
///
/// # TLS
///
/// The webhook's certificate must be for the host of the URL, and its authority one that this machine trusts or
/// [`trusting`](Self::trusting) names. A machine that trusts nobody at all, such as a bare container, has to be told of an authority
/// by the variable `SSL_CERT_FILE`. What encrypts is `rustls` with the provider that the process has installed, or else with `ring`,
/// which is then installed for the process.
///
/// # Examples
///
/// ```no_run
/// use events::http::Webhook;
/// use events::{Event, Lifespan, SinkExt as _, dispatch};
///
/// #[derive(Event, serde::Serialize)]
/// struct CatFed {
///     fish: u32,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let token = std::env::var("TOKEN")?;
/// let webhook = Webhook::new("https://hooks.example.com/cats")?.bearer(&token)?.header("origin", "cafe.example")?;
/// let app = Lifespan::builder().sink("cat-*", webhook.attempts(10)).start().await?;
/// app.scope(async { dispatch(CatFed { fish: 2 }) }).await?;
/// app.shutdown().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "it is given to `LifespanBuilder::sink`"]
pub struct Webhook {
    endpoint: Endpoint,
    format: Box<dyn Format>,
    /// How many events go together, where they do.
    batch: Option<usize>,
}

impl Webhook {
    /// A webhook, by its URL: `https://host/path`, or `http://..` where the way there is trusted. It is not connected yet.
    ///
    /// # Errors
    ///
    /// [`WebhookError`], when the URL cannot be read, is not one of HTTP, or holds a user or a password; and when TLS cannot be
    /// set up.
    pub fn new(url: &str) -> Result<Self, WebhookError> {
        let url = client::url(url).map_err(|unfit| match unfit {
            Unfit::Text => WebhookError::Url,
            Unfit::Scheme => WebhookError::Scheme,
            Unfit::User => WebhookError::User,
        })?;
        let endpoint = Endpoint::new(url).map_err(WebhookError::Client)?;
        Ok(Self { endpoint, format: Box::new(CloudEvents::binary()), batch: None })
    }

    /// Sends a header with every request, such as the name that a [handshake](super::Handshake) was about, or a key. Its value
    /// counts as secret.
    ///
    /// # Errors
    ///
    /// [`WebhookError::Header`], when a header of HTTP cannot have that name or value, or is one that this sink writes itself:
    /// `content-type`, `content-length`, `transfer-encoding`, `connection`, `host`, and those that begin with `ce-`.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, WebhookError> {
        const OWN: [HeaderName; 5] = [CONTENT_TYPE, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, HOST];
        let wrong = |reason| WebhookError::Header { name: shown(name), reason };
        let (known, value) = client::header(name, value).map_err(wrong)?;
        if OWN.contains(&known) || headers::is_attribute(known.as_str()) {
            return Err(wrong("the sink writes it itself"));
        }
        self.endpoint.headers.insert(known, value);
        Ok(self)
    }

    /// Sends `Authorization: Bearer ..` with every request.
    ///
    /// # Errors
    ///
    /// [`WebhookError::Header`], when the token has characters that no header can have.
    pub fn bearer(self, token: &str) -> Result<Self, WebhookError> {
        self.header(AUTHORIZATION.as_str(), &client::bearer(token))
    }

    /// Trusts the authorities whose certificates are in the text, as PEM, beside those that this machine trusts. It may be
    /// called for one text after another.
    ///
    /// # Errors
    ///
    /// [`WebhookError::Certificate`], when there is no certificate in the text or one that cannot be read;
    /// [`WebhookError::Unencrypted`], when the URL is not `https://`.
    pub fn trusting(mut self, certificates: &str) -> Result<Self, WebhookError> {
        if !self.endpoint.is_encrypted() {
            return Err(WebhookError::Unencrypted);
        }
        let authorities = trust::certificates(certificates).ok_or(WebhookError::Certificate)?;
        self.endpoint.trust(authorities).map_err(WebhookError::Client)?;
        Ok(self)
    }

    /// Says how events are written into requests. Without it, they are `CloudEvents` in binary mode.
    pub fn format(mut self, format: impl Format) -> Self {
        self.format = Box::new(format);
        self
    }

    /// Sends up to so many events, at least 1, in one request: as a list of `CloudEvents` in structured mode, whatever
    /// [`format`](Self::format) says. Ask first whether the other side takes them.
    ///
    /// A batch is what one scope has collected. One that is refused for what is in it is cut in halves, so that an event that
    /// nobody wants takes no other one along. That is no use where the other side takes a part of a batch and then refuses it:
    /// that part is sent again.
    pub fn in_batches(mut self, events: usize) -> Self {
        self.batch = Some(events.max(1));
        self
    }

    /// How long one request may take to be answered. The default is 10 s.
    pub fn answer_within(mut self, limit: Duration) -> Self {
        self.endpoint.answer_within = limit;
        self
    }

    /// The event as a request that has not been sent.
    fn draft(&self, envelope: &Envelope) -> Result<Draft, SinkError> {
        let message = match self.batch {
            Some(_) => CloudEvents::structured().encode(envelope),
            None => self.format.encode(envelope),
        };
        let message = message.map_err(SinkError::permanent)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &message.headers {
            let (name, value) = headers::write(name, value).map_err(SinkError::permanent)?;
            headers.append(name, value);
        }
        if let Some(content_type) = message.content_type {
            let wrong = |_| SinkError::permanent(format!("`{}` is no media type", shown(&content_type)));
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(&content_type).map_err(wrong)?);
        }
        Ok(Draft { headers, body: message.body })
    }
}

impl Sink for Webhook {
    async fn send(&self, envelope: &Envelope) -> Result<(), SinkError> {
        self.send_many(std::slice::from_ref(envelope)).await.pop().unwrap_or(Ok(()))
    }

    async fn send_many(&self, envelopes: &[Envelope]) -> Vec<Result<(), SinkError>> {
        let drafts = Drafts::of(envelopes, |envelope| self.draft(envelope));
        let sent = self.endpoint.send(&drafts.all, self.batch).await;
        drafts.answered(sent)
    }

    /// Without batches it is one, so that each event has its own attempts and its own time.
    fn max_batch(&self) -> usize {
        self.batch.unwrap_or(1)
    }

    fn label(&self) -> Option<String> {
        Some(self.endpoint.at.clone())
    }

    fn destination(&self, _: &Envelope) -> Destination {
        self.endpoint.destination()
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("at", &self.endpoint.at).field("batch", &self.batch).finish_non_exhaustive()
    }
}

/// Why there can be no such [`Webhook`]. It never holds the URL, or the value of a header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// The URL cannot be read.
    #[error(
        "the URL of the webhook cannot be read: write `https://host/path`, and percent-encode what is special in it"
    )]
    Url,
    /// The URL is none of HTTP.
    #[error("the URL of the webhook is not one of HTTP: it begins with `https://`, or with `http://`")]
    Scheme,
    /// The URL holds a user or a password.
    #[error(
        "the URL of the webhook holds a user or a password: leave them out, and use `Webhook::bearer` or `Webhook::header`"
    )]
    User,
    /// A header cannot be sent.
    #[error("header `{name}` cannot be sent: {reason}")]
    Header {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A certificate is of no use, since the URL does not ask for TLS.
    #[error(
        "the URL of the webhook does not ask for TLS, and no certificate would count: write `https://`, not `http://`"
    )]
    Unencrypted,
    /// There is no certificate, or one that cannot be read.
    #[error("{}", trust::UNREADABLE)]
    Certificate,
    /// The client cannot be set up.
    #[error("the client of the webhook cannot be set up: {0}")]
    Client(String),
}
