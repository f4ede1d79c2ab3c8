//! One connection to an event stream.

use std::fmt;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::future::{Either, select};
use reqwest::Response;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::format::{ERROR, EVENT, ID, JSON};
use super::frame::LOST;
use super::parser::{Block, Frame, Parser};
use super::position::{Position, Resume, Sent, can_be_sent};
use crate::client::explain;
use crate::format::Message;
use crate::source::{Incoming, Received, Settle, Settlement, SourceError};
use crate::wire::shown;

/// How long events under way are waited for when the connection is lost, so that they do not come again.
const SETTLE_GRACE: Duration = Duration::from_secs(10);
/// How long a server is left alone between two connections that says nothing about it.
const RETRY: Duration = Duration::from_secs(1);
/// The longest time that a server may ask for.
pub(super) const LONGEST_RETRY: Duration = Duration::from_hours(1);

/// What the connections of a source have in common.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) idle_timeout: Duration,
    pub(super) event_limit: usize,
    pub(super) max_deliveries: u32,
    pub(super) is_text: bool,
}

/// A connection of an [`SseSource`](super::SseSource).
pub struct SseIncoming {
    response: Response,
    settings: Settings,
    resume: Arc<Resume>,
    position: Arc<Position>,
    parser: Parser,
    /// What has been read and not been looked at.
    chunk: Bytes,
    /// Since when nothing has come, while somebody reads.
    quiet_since: Instant,
    lost: Option<(String, Instant)>,
}

impl SseIncoming {
    pub(super) fn new(response: Response, settings: Settings, resume: Arc<Resume>, prefetch: usize) -> Self {
        let position = Position::new(Arc::clone(&resume), prefetch, settings.max_deliveries);
        let parser = Parser::new(settings.event_limit, resume.last_id());
        let (chunk, quiet_since) = (Bytes::new(), Instant::now());
        Self { response, settings, resume, position, parser, chunk, quiet_since, lost: None }
    }

    /// The next event: one that is delivered again, or the next one of the stream.
    async fn event(&mut self) -> Result<Sent, SourceError> {
        let position = Arc::clone(&self.position);
        // Only what is waited for can be late.
        self.quiet_since = Instant::now();
        loop {
            let mut changed = pin!(position.changed.notified());
            changed.as_mut().enable();
            if let Some(sent) = position.due(Instant::now()) {
                return Ok(sent);
            }
            let mut due = pin!(until(position.next_due()));
            let wait = select(changed, due.as_mut());
            if let Some((reason, end)) = &self.lost {
                if position.is_settled() || *end <= Instant::now() {
                    return Err(SourceError::new(reason.clone()).with_retry_after(pause(&self.resume)));
                }
                select(wait, pin!(sleep_until(*end))).await;
            } else if position.has_room() {
                let read = match select(pin!(self.read()), wait).await {
                    Either::Left((read, _)) => read,
                    Either::Right(_) => continue,
                };
                match read.map(|frame| self.look_at(frame)) {
                    Ok(Some(sent)) => return Ok(sent),
                    Ok(None) => {}
                    Err(reason) => self.lost = Some((reason, Instant::now() + SETTLE_GRACE)),
                }
            } else {
                wait.await;
                self.quiet_since = Instant::now();
            }
        }
    }

    /// The next frame, or why there will be none. What has been read stays when the future is dropped.
    async fn read(&mut self) -> Result<Frame, String> {
        loop {
            let mut text = &self.chunk[..];
            let frame = self.parser.feed(&mut text);
            self.chunk = self.chunk.slice(self.chunk.len() - text.len()..);
            let limit = self.settings.event_limit;
            let endless = |_| format!("an event or a comment has many times more than {limit} bytes, and does not end");
            if let Some(frame) = frame.map_err(endless)? {
                return Ok(frame);
            }
            let idle = self.settings.idle_timeout;
            // What no clock can reach is waited for without one.
            let read = match self.quiet_since.checked_add(idle) {
                Some(end) => timeout_at(end, self.response.chunk()).await,
                None => Ok(self.response.chunk().await),
            };
            self.chunk = match read {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => return Err("the server has ended the stream".into()),
                Ok(Err(error)) => return Err(format!("the stream broke off: {}", explain(error))),
                Err(_) => return Err(format!("nothing has come for {idle:?}, not even a comment")),
            };
            self.quiet_since = Instant::now();
        }
    }

    fn look_at(&self, frame: Frame) -> Option<Sent> {
        match frame {
            Frame::Event(block) => {
                if block.name == LOST {
                    tracing::warn!(target: "events", data = shown(&block.data), "a stream has lost events");
                }
                let last_id = Arc::clone(&block.last_id);
                Some(self.position.enter(message(block, self.settings.is_text), last_id))
            }
            Frame::Id(last_id) => {
                self.position.pass(last_id);
                None
            }
            Frame::Retry(retry) => {
                self.resume.set_retry(retry.min(LONGEST_RETRY));
                None
            }
            Frame::TooLarge(last_id) => {
                let limit = self.settings.event_limit;
                let error = format!("the event has more than {limit} bytes, and was left out: see `event_limit`");
                tracing::warn!(target: "events", id = &*last_id, limit, "an event of a stream is too large");
                let message = Message { headers: vec![(ERROR.into(), error)], ..Message::default() };
                Some(self.position.enter(message, last_id))
            }
        }
    }
}

/// How long the server is left alone at least.
pub(super) fn pause(resume: &Resume) -> Duration {
    resume.retry().unwrap_or(RETRY)
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

/// What handlers see of an event: its body is JSON, whatever the stream has.
fn message(block: Block, is_text: bool) -> Message {
    let Block { name, data, last_id, has_id } = block;
    let mut headers = vec![(EVENT.to_owned(), if name.is_empty() { "message".into() } else { name })];
    if has_id && can_be_sent(&last_id) {
        headers.push((ID.to_owned(), last_id.as_ref().into()));
    }
    let is_json = !is_text && serde_json::from_str::<serde::de::IgnoredAny>(&data).is_ok();
    let body = if is_json { data } else { serde_json::Value::String(data).to_string() };
    Message { content_type: Some(JSON.into()), headers, body: body.into_bytes() }
}

impl Incoming for SseIncoming {
    type Settle = SseSettle;

    async fn next(&mut self) -> Result<Received<SseSettle>, SourceError> {
        let sent = self.event().await?;
        let message = Arc::clone(&sent.message);
        Ok(Received::new(message, SseSettle { sent, position: Arc::clone(&self.position) }))
    }
}

/// Settles an event of a stream.
#[derive(Debug)]
pub struct SseSettle {
    sent: Sent,
    position: Arc<Position>,
}

impl Settle for SseSettle {
    async fn settle(self, settlement: Settlement) -> Result<(), SourceError> {
        self.position.settle(self.sent, settlement)
    }
}

impl Drop for SseIncoming {
    fn drop(&mut self) {
        self.position.close();
    }
}

impl fmt::Debug for SseIncoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseIncoming").field("lost", &self.lost).finish_non_exhaustive()
    }
}
