//! What a request is told that was not done: RFC 9457.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::outcome::Taken;
use crate::dispatch::DispatchError;
use crate::validate::ValidationErrors;

/// Of so many broken rules of a batch, the events behind are told without theirs.
const TOLD: usize = 100;

/// Why an event, or a whole request, is not taken.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    code: &'static str,
    detail: String,
    fields: Option<ValidationErrors>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), fields: None }
    }

    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    pub(super) fn unknown(name: &str) -> Self {
        let detail = format!("`{}` is no event that is taken here", crate::dispatch::shortened(name));
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown-event", detail)
    }

    /// `name` is what the sender calls the event.
    pub(super) fn of(error: &DispatchError, name: &str) -> Self {
        let refused = |code, detail| Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail);
        match error {
            DispatchError::Invalid { event, .. } | DispatchError::Malformed { event, .. } => {
                let fields = error.invalid_fields();
                Self { fields, ..refused("invalid", format!("the payload of `{event}` is invalid")) }
            }
            DispatchError::Version { .. } => refused("unknown-version", error.to_string()),
            DispatchError::TooDeep { .. } => refused("too-deep", error.to_string()),
            // What is not made to arrive is none of the sender's business.
            _ => {
                tracing::debug!(target: "events", error = %error, "an event cannot come in by HTTP");
                Self::unknown(name)
            }
        }
    }

    fn write<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("code", self.code)?;
        map.serialize_entry("detail", &self.detail)?;
        let Some(fields) = &self.fields else { return Ok(()) };
        map.serialize_entry("errors", fields.fields())?;
        if fields.more() > 0 {
            map.serialize_entry("more", &fields.more())?;
        }
        Ok(())
    }
}

/// One event of a batch that is not taken.
#[derive(Debug)]
pub(super) struct Indexed(pub(super) usize, pub(super) Refusal);

impl Serialize for Indexed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("index", &self.0)?;
        self.1.write(&mut map)?;
        map.end()
    }
}

/// An answer that tells of what was not done.
#[derive(Debug)]
pub(super) struct Problem(Box<Content>);

#[derive(Debug)]
struct Content {
    refusal: Refusal,
    /// What is wrong with each event of a batch.
    events: Vec<Indexed>,
    /// What was taken, where handlers have failed.
    taken: Option<Taken>,
    retry_after: Option<Duration>,
    closes: bool,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self(Box::new(Content { refusal, events: Vec::new(), taken: None, retry_after: None, closes: false }))
    }
}

impl Problem {
    /// Some events of a batch are not taken, and so none of it is.
    pub(super) fn of_batch(mut events: Vec<Indexed>, count: usize) -> Self {
        let mut told = 0;
        for Indexed(_, refusal) in &mut events {
            refusal.fields.take_if(|_| told >= TOLD);
            told += refusal.fields.as_ref().map_or(0, |fields| fields.fields().len());
        }
        let status = events.iter().map(|event| event.1.status).min().unwrap_or(StatusCode::BAD_REQUEST);
        let detail = format!("{} of {count} events are not taken, and so none of the batch is", events.len());
        let mut problem = Self::from(Refusal::new(status, "batch", detail));
        problem.0.events = events;
        problem
    }

    /// Another time may do.
    pub(super) fn busy(code: &'static str, detail: &str, retry_after: Duration) -> Self {
        let mut problem = Self::from(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, code, detail));
        problem.0.retry_after = Some(retry_after);
        problem
    }

    pub(super) fn with(mut self, taken: Taken) -> Self {
        self.0.taken = Some(taken);
        self
    }

    /// Nothing more of the request is read.
    pub(super) fn and_close(mut self) -> Self {
        self.0.closes = true;
        self
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("title", self.refusal.status.canonical_reason().unwrap_or_default())?;
        map.serialize_entry("status", &self.refusal.status.as_u16())?;
        self.refusal.write(&mut map)?;
        if !self.events.is_empty() {
            map.serialize_entry("events", &self.events)?;
        }
        if let Some(taken) = &self.taken {
            taken.write(&mut map)?;
        }
        map.end()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let content = *self.0;
        let (status, code) = (content.refusal.status, content.refusal.code);
        tracing::debug!(target: "events", status = status.as_u16(), code, "a request was not done");
        let mut response = json(status, &content);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(pause) = content.retry_after {
            headers.insert(RETRY_AFTER, pause.as_secs().max(1).into());
        }
        if content.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// A response that is JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    // Texts and numbers alone: there is nothing that could fail.
    let mut response = Response::new(Body::from(serde_json::to_vec(value).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
