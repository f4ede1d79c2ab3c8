//! The client of HTTP of whatever goes out over it.

use std::error::Error as _;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, redirect};
use rustls::crypto::{CryptoProvider, ring};

use crate::wire::shown;

/// How long a connection may take to be made, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

const USER_AGENT: &str = concat!("events/", env!("CARGO_PKG_VERSION"));

/// A client that says who it is, and that goes nowhere but where it is sent.
pub(crate) fn builder() -> ClientBuilder {
    ensure_crypto_provider();
    let builder = Client::builder().user_agent(USER_AGENT).connect_timeout(CONNECT_TIMEOUT);
    builder.redirect(redirect::Policy::none()).referer(false)
}

/// Without a provider the client panics; a program that has chosen one keeps it.
fn ensure_crypto_provider() {
    if CryptoProvider::get_default().is_none() {
        // Somebody may have been faster.
        let _ = ring::default_provider().install_default();
    }
}

/// What went wrong, without the URL, which may hold secrets.
pub(crate) fn explain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some errors repeat what is behind them.
        if !texts.iter().any(|known| known.contains(&text)) {
            texts.push(text);
        }
        cause = error.source();
    }
    shown(&texts.join(": "))
}
