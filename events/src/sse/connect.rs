//! How a stream is asked for, and what is taken for one.

use std::time::Duration;

use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::{Client, Response, Url};
use tokio::time::timeout;

use super::incoming::LONGEST_RETRY;
use crate::client::{self, Authorities, explain};
use crate::retry_after;
use crate::source::SourceError;
use crate::wire::shown;

/// How long it may take until the stream begins, redirects included.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_REDIRECTS: usize = 10;
const EVENT_STREAM: &str = "text/event-stream";

/// What is asked for.
pub(super) struct Request<'a> {
    pub(super) client: &'a Client,
    pub(super) url: &'a Url,
    pub(super) headers: &'a HeaderMap,
    pub(super) authorities: &'a Authorities,
    /// Empty where the stream is wanted from now on.
    pub(super) last_id: &'a str,
}

impl Request<'_> {
    /// The response whose body is the stream.
    pub(super) async fn open(&self) -> Result<Response, SourceError> {
        let late = || SourceError::new(format!("the stream has not begun within {OPEN_TIMEOUT:?}"));
        timeout(OPEN_TIMEOUT, self.follow()).await.unwrap_or_else(|_| Err(late()))
    }

    async fn follow(&self) -> Result<Response, SourceError> {
        let mut url = self.url.clone();
        let mut client = self.client.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.ask(&client, &url).await?;
            match response.status() {
                StatusCode::OK => return check_content_type(response),
                StatusCode::NO_CONTENT => {
                    return Err(SourceError::permanent("the server has answered 204: it wants no more connections"));
                }
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT => {
                    let to = redirected(&url, &response)?;
                    if to.scheme() != url.scheme() {
                        client = client::made(&to, self.authorities).await?;
                    }
                    url = to;
                }
                _ => return Err(refused(&response)),
            }
        }
        Err(format!("the server has redirected more than {MAX_REDIRECTS} times").into())
    }

    async fn ask(&self, client: &Client, url: &Url) -> Result<Response, SourceError> {
        let mut headers = HeaderMap::new();
        if !self.last_id.is_empty() {
            let id = HeaderValue::from_bytes(self.last_id.as_bytes());
            headers.insert("last-event-id", id.map_err(|_| "the last `id` cannot stand in a header")?);
        }
        // What somebody has said for one server is for no other to see.
        if url.origin() == self.url.origin() {
            headers.extend(self.headers.clone());
        }
        headers.insert(ACCEPT, HeaderValue::from_static(EVENT_STREAM));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let sent = client.get(url.clone()).headers(headers).send().await;
        sent.map_err(|error| format!("the server cannot be reached: {}", explain(error)).into())
    }
}

fn check_content_type(response: Response) -> Result<Response, SourceError> {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim_ascii();
    if essence.eq_ignore_ascii_case(EVENT_STREAM) {
        return Ok(response);
    }
    let what = if essence.is_empty() { "without a content type".into() } else { format!("with `{}`", shown(essence)) };
    Err(format!("the server has answered {what}, and a stream of events is `{EVENT_STREAM}`").into())
}

fn redirected(url: &Url, response: &Response) -> Result<Url, SourceError> {
    let status = response.status();
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.ok_or_else(|| format!("the server has answered {status} without a `Location` to read"))?;
    let mut to = url
        .join(location)
        .map_err(|_| format!("the server has answered {status} with a `Location` that cannot be read"))?;
    if to.scheme() != "https" && to.scheme() != url.scheme() || !matches!(to.scheme(), "http" | "https") {
        return Err(format!("the server has redirected from `{}` to `{}`", url.scheme(), to.scheme()).into());
    }
    // Nobody but the user says who the user is.
    let _ = (to.set_username(""), to.set_password(None));
    Ok(to)
}

fn refused(response: &Response) -> SourceError {
    let error = SourceError::new(format!("the server has answered {}, and not 200", response.status()));
    let asked = retry_after::read(response.headers());
    match asked {
        Some(pause) => error.with_retry_after(pause.min(LONGEST_RETRY)),
        None => error,
    }
}
