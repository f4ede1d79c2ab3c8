//! The client of HTTP of whatever goes out over it.

use std::time::Duration;

use reqwest::{Certificate, Client, Url, redirect};

use crate::crypto;
use crate::error::chain;

/// How long a connection may take to be made, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

const USER_AGENT: &str = concat!("events/", env!("CARGO_PKG_VERSION"));

/// A client for a URL, that says who it is, and that goes nowhere but where it is sent.
pub(crate) fn new(url: &Url) -> Result<Client, String> {
    crypto::ensure_provider();
    let builder = Client::builder().user_agent(USER_AGENT).connect_timeout(CONNECT_TIMEOUT);
    let mut builder = builder.redirect(redirect::Policy::none()).referer(false);
    if url.scheme() != "https" {
        // The certificates of the system are not needed then, and there may be none: without them there would be no client.
        builder = builder.tls_certs_only(std::iter::empty::<Certificate>());
    }
    builder.build().map_err(explain)
}

/// What went wrong, without the URL, which may hold secrets.
pub(crate) fn explain(error: reqwest::Error) -> String {
    chain(&error.without_url())
}
