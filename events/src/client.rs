//! The client of HTTP of whatever goes out over it.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use reqwest::{Certificate, Client, Url, redirect};
use rustls::pki_types::CertificateDer;

use crate::crypto;
use crate::error::chain;
use crate::trust;

/// How long a connection may take to be made, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

const USER_AGENT: &str = concat!("events/", env!("CARGO_PKG_VERSION"));

/// Certificates of authorities that are trusted beside those of the system.
pub(crate) type Authorities = Vec<CertificateDer<'static>>;

/// A client for a URL, that says who it is, and that goes nowhere but where it is sent.
pub(crate) fn new(url: &Url, authorities: &Authorities) -> Result<Client, String> {
    crypto::ensure_provider();
    let builder = Client::builder().user_agent(USER_AGENT).connect_timeout(CONNECT_TIMEOUT);
    let mut builder = builder.redirect(redirect::Policy::none()).referer(false);
    if url.scheme() != "https" {
        // The certificates of the system are not needed then, and there may be none: without them there would be no client.
        builder = builder.tls_certs_only(std::iter::empty::<Certificate>());
    } else if !authorities.is_empty() {
        let authorities = authorities.iter().map(|authority| Certificate::from_der(authority));
        builder = builder.tls_certs_merge(authorities.collect::<Result<Vec<_>, _>>().map_err(explain)?);
    }
    builder.build().map_err(explain)
}

/// The same, where nobody may be kept waiting: what the system trusts is read from files.
#[cfg(feature = "sse")]
pub(crate) async fn made(url: &Url, authorities: &Authorities) -> Result<Client, String> {
    let (url, authorities) = (url.clone(), authorities.clone());
    let making = tokio::task::spawn_blocking(move || new(&url, &authorities));
    making.await.map_err(|error| error.to_string())?
}

/// Why nobody is asked at a URL. The words of the parser are left out, as is the URL: they may hold secrets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unfit {
    /// It cannot be read.
    Text,
    /// It is none of HTTP.
    Scheme,
    /// It holds a user or a password, which would be seen where it is.
    User,
}

/// A URL to ask at.
pub(crate) fn url(text: &str) -> Result<Url, Unfit> {
    let url: Url = text.parse().map_err(|_| Unfit::Text)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Unfit::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Unfit::User);
    }
    Ok(url)
}

/// A header whose value is nobody's business; or what is wrong with it.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    let name = name.parse().map_err(|_| "no header can have that name")?;
    let mut value = HeaderValue::from_str(value).map_err(|_| "no header can have that value")?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// The value of a header that shows a token.
pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// What went wrong, and what to do about it, without the URL, which may hold secrets.
pub(crate) fn explain(error: reqwest::Error) -> String {
    let error = error.without_url();
    trust::advised(chain(&error), &error)
}
