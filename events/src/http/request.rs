//! What a request brings: which kind of body it is, and the body itself, within its bounds.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, LengthLimitError};
use tokio::time::timeout;

use super::problem::{Problem, Refusal};
use crate::format::media;
use crate::wire::shown;

/// How the events of a request are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A `CloudEvent` in the headers, with the body as its payload.
    Binary,
    /// A `CloudEvent` as one JSON object.
    Structured,
    /// A list of them.
    Batch,
    /// A payload alone, whose name the path says.
    Plain,
}

impl Kind {
    /// The kind of a request, by what its headers say of it. With a name from elsewhere the body is a payload.
    pub(super) fn of(headers: &HeaderMap, is_named: bool) -> Result<Self, Problem> {
        let is_plain = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
        if !headers.get_all(CONTENT_ENCODING).iter().all(is_plain) {
            return Err(unsupported("the body has a `content-encoding`: send it as it is"));
        }
        let mut stated = headers.get_all(CONTENT_TYPE).iter().map(|value| value.to_str().unwrap_or("?").trim_ascii());
        let first = stated.next().filter(|stated| !stated.is_empty());
        if stated.next().is_some() {
            return Err(Refusal::malformed("header `content-type` stands twice").into());
        }
        match first {
            Some(stated) if is_named && media::is_json(stated) => Ok(Self::Plain),
            _ if is_named => Err(unsupported(format!("the body is {}: send `application/json`", named(first)))),
            _ => Self::of_cloud_event(first, headers.contains_key("ce-specversion")),
        }
    }

    fn of_cloud_event(stated: Option<&str>, has_attributes: bool) -> Result<Self, Problem> {
        let kind = stated.and_then(media::cloud_events).map(str::to_ascii_lowercase);
        match (kind.as_deref(), stated) {
            (Some("+json"), _) => Ok(Self::Structured),
            (Some("-batch+json"), _) => Ok(Self::Batch),
            (None, None) if has_attributes => Ok(Self::Binary),
            (None, Some(stated)) if has_attributes && media::is_json(stated) => Ok(Self::Binary),
            (_, stated) => Err(unsupported(format!(
                "the body is {}: send a CloudEvent as `application/cloudevents+json`, a list of them as \
                 `application/cloudevents-batch+json`, or `application/json` with the attributes in headers `ce-..`",
                named(stated)
            ))),
        }
    }
}

fn named(media_type: Option<&str>) -> String {
    media_type.map_or_else(|| "of no media type".into(), |stated| format!("`{}`", shown(stated)))
}

fn unsupported(detail: impl Into<String>) -> Problem {
    Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail).into()
}

/// Room for so much of a body is made before any of it has come.
const FIRST_BYTES: usize = 64 * 1024;

/// How much of a body is read, and how long that may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) bytes: usize,
    pub(super) time: Duration,
}

impl Bounds {
    /// Reads a body to its end.
    pub(super) async fn read(&self, body: Body) -> Result<Vec<u8>, Problem> {
        match timeout(self.time, self.collect(body)).await {
            Ok(read) => read,
            Err(_) => {
                let detail = format!("the body did not come within {:?}", self.time);
                Err(Problem::from(Refusal::new(StatusCode::REQUEST_TIMEOUT, "too-slow", detail)).and_close())
            }
        }
    }

    /// Copied piece by piece: pieces that are kept as they come may each hold much more memory than their bytes.
    async fn collect(&self, mut body: Body) -> Result<Vec<u8>, Problem> {
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > self.bytes {
            return Err(self.too_large());
        }
        // What is announced need not come.
        let mut bytes = Vec::with_capacity(announced.min(FIRST_BYTES));
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| self.broken(&error))?;
            let Ok(piece) = frame.into_data() else { continue };
            if piece.len() > self.bytes - bytes.len() {
                return Err(self.too_large());
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    fn too_large(&self) -> Problem {
        let detail = format!("the body has more than {} bytes", self.bytes);
        Problem::from(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)).and_close()
    }

    /// A layer may have a limit of its own.
    fn broken(&self, error: &axum::Error) -> Problem {
        let mut cause: Option<&dyn std::error::Error> = Some(error);
        while let Some(error) = cause {
            if error.is::<LengthLimitError>() {
                return self.too_large();
            }
            cause = error.source();
        }
        Problem::from(Refusal::malformed("the body could not be read to its end")).and_close()
    }
}
