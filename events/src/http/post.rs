//! Requests to a webhook, and what is made of their answers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response, Url};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::client::{self, Authorities};
use crate::retry_after;
use crate::sink::{LONGEST_RETRY_AFTER, SinkError};
use crate::telemetry::{Destination, Trace};

/// How many requests are under way at a time.
const PLACES: usize = 8;
/// How much of an answer's body is read, and for how long, to use its connection again.
const ANSWER_BYTES: usize = 16 * 1024;
const ANSWER_TIME: Duration = Duration::from_secs(1);

const BATCH: HeaderValue = HeaderValue::from_static("application/cloudevents-batch+json");

/// An event that is ready to be sent.
pub(super) struct Draft {
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Where requests go to.
pub(super) struct Endpoint {
    url: Url,
    /// The part of the URL that may be shown.
    pub(super) at: String,
    client: Client,
    authorities: Authorities,
    pub(super) headers: HeaderMap,
    pub(super) answer_within: Duration,
    is_gone: AtomicBool,
    not_before: Mutex<Option<Instant>>,
    places: Semaphore,
}

/// Why a request was of no use.
#[derive(Clone)]
struct Refused {
    text: String,
    kind: Kind,
    retry_after: Option<Duration>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Another attempt may do.
    Again,
    /// None will.
    Permanent,
    /// None will, because of what was sent.
    Content,
}

impl From<Refused> for SinkError {
    fn from(Refused { text, kind, retry_after }: Refused) -> Self {
        match (kind, retry_after) {
            (Kind::Again, Some(pause)) => Self::new(text).with_retry_after(pause),
            (Kind::Again, None) => Self::new(text),
            (Kind::Permanent | Kind::Content, _) => Self::permanent(text),
        }
    }
}

impl Endpoint {
    pub(super) fn new(url: Url) -> Result<Self, String> {
        let authorities = Authorities::new();
        Ok(Self {
            at: url.origin().ascii_serialization(),
            client: client::new(&url, &authorities)?,
            url,
            authorities,
            headers: HeaderMap::new(),
            answer_within: Duration::from_secs(10),
            is_gone: AtomicBool::new(false),
            not_before: Mutex::default(),
            places: Semaphore::new(PLACES),
        })
    }

    pub(super) fn destination(&self) -> Destination {
        let destination = Destination::new("http").named(self.at.clone());
        match (self.url.host_str(), self.url.port_or_known_default()) {
            (Some(host), Some(port)) => destination.at(host, port),
            _ => destination,
        }
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub(super) fn trust(&mut self, authorities: Authorities) -> Result<(), String> {
        self.authorities.extend(authorities);
        self.client = client::new(&self.url, &self.authorities)?;
        Ok(())
    }

    /// Sends events in their order, each in a request of its own, or so many together; answers for each.
    ///
    /// What comes behind an event that is to be tried again waits for it, so that the order stays.
    pub(super) async fn send(&self, drafts: &[Draft], together: Option<usize>) -> Vec<Result<(), SinkError>> {
        let mut answers = Vec::with_capacity(drafts.len());
        let mut left: Vec<_> = drafts.chunks(together.unwrap_or(1)).rev().collect();
        while let Some(part) = left.pop() {
            let answer = self.post(part, together.is_some()).await;
            match &answer {
                Err(refused) if refused.kind == Kind::Content && part.len() > 1 => {
                    let (first, second) = part.split_at(part.len() / 2);
                    left.extend([second, first]);
                    continue;
                }
                Err(refused) if refused.kind == Kind::Again => {
                    let unsent = drafts.len() - answers.len();
                    answers.extend((0..unsent).map(|_| Err(refused.clone().into())));
                    return answers;
                }
                _ => {}
            }
            answers.extend(part.iter().map(|_| answer.clone().map_err(Into::into)));
        }
        answers
    }

    /// Sends one request.
    async fn post(&self, part: &[Draft], is_batch: bool) -> Result<(), Refused> {
        let _place = self.places.acquire().await;
        self.check()?;
        let (mut headers, body) = request(part, is_batch);
        headers.extend(self.headers.clone());
        let request = self.client.post(self.url.clone()).timeout(self.answer_within).headers(headers).body(body);
        let response = request.send().await.map_err(|error| self.lost(error))?;
        let verdict = self.verdict(&response);
        drain(response).await;
        verdict
    }

    /// Whether the webhook may be asked now.
    fn check(&self) -> Result<(), Refused> {
        if self.is_gone.load(Ordering::Relaxed) {
            let text = format!("the webhook at {} has answered 410 Gone, and is not asked again", self.at);
            return Err(Refused { text, kind: Kind::Permanent, retry_after: None });
        }
        let until = *self.not_before.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = until.map(|until| until.saturating_duration_since(Instant::now()));
        let Some(pause) = pause.filter(|pause| !pause.is_zero()) else { return Ok(()) };
        let text = format!("the webhook at {} has asked to be left alone for another {pause:.1?}", self.at);
        Err(Refused { text, kind: Kind::Again, retry_after: Some(pause) })
    }

    fn lost(&self, error: reqwest::Error) -> Refused {
        let reason = if error.is_connect() {
            format!("cannot be reached: {}", client::explain(error))
        } else if error.is_timeout() {
            format!("has not answered within {:?}", self.answer_within)
        } else {
            format!("has not answered: {}", client::explain(error))
        };
        Refused { text: format!("the webhook at {} {reason}", self.at), kind: Kind::Again, retry_after: None }
    }

    fn verdict(&self, response: &Response) -> Result<(), Refused> {
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let kind = kind(status);
        let asked = retry_after::read(response.headers()).filter(|_| kind == Kind::Again);
        let retry_after = asked.map(|pause| pause.min(LONGEST_RETRY_AFTER));
        if let Some(pause) = retry_after {
            *self.not_before.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + pause);
        }
        if status == StatusCode::GONE && !self.is_gone.swap(true, Ordering::Relaxed) {
            tracing::warn!(target: "events", webhook = self.at, "a webhook is gone: nothing is sent to it any more");
        }
        let advice = if status.is_redirection() {
            ": redirects are not followed, give the sink the URL that it leads to"
        } else {
            ""
        };
        Err(Refused { text: format!("the webhook at {} has answered {status}{advice}", self.at), kind, retry_after })
    }
}

const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACE_STATE: HeaderName = HeaderName::from_static("tracestate");

fn kind(status: StatusCode) -> Kind {
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => Kind::Again,
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => Kind::Content,
        status if status.is_server_error() => Kind::Again,
        _ => Kind::Permanent,
    }
}

fn request(part: &[Draft], is_batch: bool) -> (HeaderMap, Vec<u8>) {
    match part {
        [draft] if !is_batch => (draft.headers.clone(), draft.body.clone()),
        _ => {
            let bodies: Vec<_> = part.iter().map(|draft| draft.body.as_slice()).collect();
            let body = [b"[", bodies.join(&b","[..]).as_slice(), b"]"].concat();
            let mut headers = trace();
            headers.insert(CONTENT_TYPE, BATCH);
            (headers, body)
        }
    }
}

/// The trace of the request itself: each event of a batch has its own in the body.
fn trace() -> HeaderMap {
    let Some((parent, state)) = Trace::current().write() else { return HeaderMap::new() };
    let named = [(TRACE_PARENT, Some(parent)), (TRACE_STATE, state)];
    let values = named.into_iter().filter_map(|(name, text)| Some((name, HeaderValue::try_from(text?).ok()?)));
    values.collect()
}

/// Reads what is left of a short answer; a connection with more of it is closed instead.
async fn drain(mut response: Response) {
    let reading = async {
        let mut bytes = 0;
        while let Ok(Some(piece)) = response.chunk().await {
            bytes += piece.len();
            if bytes > ANSWER_BYTES {
                return;
            }
        }
    };
    let _ = timeout(ANSWER_TIME, reading).await;
}
