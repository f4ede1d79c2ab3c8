//! A queue, by its name or its URL.

use std::fmt;
use std::sync::Arc;

use aws_sdk_sqs::Client;
use tokio::sync::OnceCell;

use super::Sqs;
use super::trouble::Trouble;
use crate::telemetry::{Destination, public};

/// A queue of the service, which is looked up when somebody needs its URL.
#[derive(Clone)]
pub(super) struct Queue {
    sqs: Sqs,
    /// The name or the URL, as it was given.
    given: Arc<str>,
    url: Arc<OnceCell<String>>,
}

impl Queue {
    pub(super) fn new(sqs: Sqs, given: &str) -> Self {
        let url = is_url(given).then(|| given.to_owned());
        Self { sqs, given: given.into(), url: Arc::new(OnceCell::new_with(url)) }
    }

    pub(super) fn client(&self) -> &Client {
        &self.sqs.client
    }

    pub(super) fn name(&self) -> &str {
        self.given.rsplit('/').next().unwrap_or(&self.given)
    }

    /// The service has this for a rule.
    pub(super) fn is_fifo(&self) -> bool {
        self.name().strip_suffix(".fifo").is_some()
    }

    /// A queue of the same client.
    pub(super) fn other(&self, given: &str) -> Self {
        Self::new(self.sqs.clone(), given)
    }

    /// A queue of the same account and region.
    pub(super) fn sibling(&self, url: &str, name: &str) -> Self {
        let folder = url.rsplit_once('/').map_or(url, |(folder, _)| folder);
        self.other(&format!("{folder}/{name}"))
    }

    pub(super) fn address(&self) -> String {
        if is_url(&self.given) {
            return self.given.to_string();
        }
        // Queues of several accounts may have one name: who has two clients may mean two queues.
        let region = self.client().config().region().map_or("-", |region| region.as_ref());
        format!("sqs:{region}:{:p}/{}", Arc::as_ptr(&self.sqs.client), self.given)
    }

    /// What the address says, without what differs from one run to the next.
    pub(super) fn label(&self) -> String {
        let region = self.client().config().region().map_or("-", |region| region.as_ref());
        if is_url(&self.given) { self.given.to_string() } else { format!("sqs:{region}/{}", self.given) }
    }

    pub(super) fn destination(&self) -> Destination {
        let settling = ["delete", "change_visibility", "delete"];
        let destination = Destination::new("aws_sqs").named(self.name().to_owned()).settled_by(settling);
        let Some(url) = self.url.get() else { return destination };
        let destination = destination.with("aws.sqs.queue.url", public(url));
        match server(url) {
            Some((host, port)) => destination.at(host, port),
            None => destination,
        }
    }

    pub(super) async fn url(&self) -> Result<&str, Trouble> {
        let found = async {
            let found = self.client().get_queue_url().queue_name(&*self.given).send().await;
            let found =
                found.map_err(|error| Trouble::of_call(&format!("cannot find queue `{}`", self.given), &error))?;
            let missing = || Trouble::passing(format!("the service has no URL for queue `{}`", self.given));
            found.queue_url.ok_or_else(missing)
        };
        self.url.get_or_try_init(|| found).await.map(String::as_str)
    }
}

/// The host and the port of a URL.
fn server(url: &str) -> Option<(&str, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?;
    let known = if scheme == "https" { 443 } else { 80 };
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => Some((host, port.parse().ok()?)),
        _ => Some((authority, known)),
    }
}

fn is_url(given: &str) -> bool {
    given.contains("://")
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.given, f)
    }
}
