//! The client of HTTP of whatever goes out over it.

use std::time::Duration;

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

/// What went wrong, and what to do about it, without the URL, which may hold secrets.
pub(crate) fn explain(error: reqwest::Error) -> String {
    let error = error.without_url();
    trust::advised(chain(&error), &error)
}
