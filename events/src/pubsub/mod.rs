//! Google Cloud Pub/Sub: feature `pubsub`.

mod fault;
mod leases;
mod message;
mod proto;
mod publish;
mod service;
mod session;
mod settle;
mod sink;
mod source;

use std::fmt;
use std::sync::Arc;

use google_cloud_auth::credentials::Credentials;

use crate::trust;
use service::Service;
pub use sink::PubSubSink;
pub use source::{PubSubIncoming, PubSubSettle, PubSubSource};

const EMULATOR: &str = "PUBSUB_EMULATOR_HOST";

/// Google Cloud Pub/Sub: [subscriptions](Self::source) that events come from, [topics](Self::sink) that they go to.
///
/// Nothing is connected before it is needed. Each source and each sink has a connection of its own. What is not there is not
/// made: topics, subscriptions and their policies belong to whoever runs them. The [guide](crate::docs::pubsub) tells which they
/// need.
///
/// # When the service is lost
///
/// A source connects again, with [pauses](crate::SourceExt::backoff) that grow up to 10 s. The service itself ends streams now and
/// then, in the course of things. Messages that are being handled when a stream ends are kept, and settled when the service is back,
/// within 20 s. While as many wait for that as may be [handled](crate::SourceExt::concurrency) at a time, the source does not connect
/// again. A subscription that does not exist keeps its own source waiting, and no other.
///
/// A sink connects again with the next attempt to send; its [attempts](crate::SinkExt::attempts) and
/// [pauses](crate::SinkExt::backoff) decide how long an outage an event outlives.
///
/// # Bounds
///
/// Connecting may take 15 s, a request to publish 60 s, and one to settle 10 s; a connection is given up on that shows no sign of
/// life for 40 s while an answer is waited for. A sink has 16 requests under way at most; more wait, within the
/// [time-out](crate::SinkExt::timeout) of their attempt. One answer of the service has 64 MiB at most.
///
/// # Examples
///
/// ```no_run
/// use events::pubsub::PubSub;
/// use events::{Event, Lifespan, SinkExt as _, SourceExt as _, dispatch, on};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Event, Serialize, Deserialize)]
/// struct CatFed {
///     fish: u32,
/// }
///
/// #[on]
/// async fn count(event: &CatFed) {
///     println!("{} fish", event.fish);
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pubsub = PubSub::new("cafe")?;
///
/// let kitchen = Lifespan::builder().source(pubsub.source("kitchen").prefetch(500)).start().await?;
///
/// let shop = Lifespan::builder().sink("cat-*", pubsub.sink("cats").only()).start().await?;
/// shop.scope(async { dispatch(CatFed { fish: 2 }) }).await?; // to `projects/cafe/topics/cats`
/// # shop.shutdown().await?;
/// # kitchen.shutdown().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PubSub {
    project: Arc<str>,
    service: Service,
}

impl PubSub {
    /// The service, as a project. Nothing is connected yet.
    ///
    /// Who asks, is what the environment says: the application default credentials. If the variable `PUBSUB_EMULATOR_HOST` is set,
    /// it is the [emulator](Self::emulator) there.
    ///
    /// # Errors
    ///
    /// [`PubSubError`] when the project can have no such name, or the variable holds no address.
    pub fn new(project: &str) -> Result<Self, PubSubError> {
        match std::env::var_os(EMULATOR).filter(|address| !address.is_empty()) {
            Some(address) => Self::emulator(project, address.to_str().unwrap_or_default()),
            None => Self::of(project, Service::google()),
        }
    }

    /// An emulator, by its `host:port`, that is spoken to without credentials and without TLS.
    ///
    /// # Errors
    ///
    /// [`PubSubError`] when the project can have no such name, or the address is none.
    pub fn emulator(project: &str, address: &str) -> Result<Self, PubSubError> {
        Self::of(project, Service::emulator(address).ok_or(PubSubError::Emulator)?)
    }

    fn of(project: &str, service: Service) -> Result<Self, PubSubError> {
        let is_known = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        if project.is_empty() || !project.chars().all(is_known) {
            return Err(PubSubError::Project);
        }
        Ok(Self { project: project.into(), service })
    }

    /// Speaks to another place: `https://europe-west1-pubsub.googleapis.com` for one region, which keeps the order of events that
    /// are published from several places. Over `http://`, credentials travel in the clear.
    ///
    /// # Errors
    ///
    /// [`PubSubError`] when the URL has something besides a scheme, a host and a port.
    pub fn endpoint(self, url: &str) -> Result<Self, PubSubError> {
        let service = self.service.with_endpoint(url).ok_or(PubSubError::Endpoint)?;
        Ok(Self { service, ..self })
    }

    /// Trusts the authorities whose certificates are in the text, as PEM, beside those that this machine trusts: where the service
    /// is reached by a name or through a proxy of one's own. It may be called for one text after another.
    ///
    /// Those who issue the credentials are asked by another client, which trusts whom this machine trusts.
    ///
    /// # Errors
    ///
    /// [`PubSubError::Certificate`] when there is no certificate in the text or one that cannot be read,
    /// [`PubSubError::Unencrypted`] when the service is spoken to without TLS.
    pub fn trusting(self, certificates: &str) -> Result<Self, PubSubError> {
        if !self.service.is_encrypted() {
            return Err(PubSubError::Unencrypted);
        }
        trust::certificates(certificates).ok_or(PubSubError::Certificate)?;
        Ok(Self { service: self.service.trusting(certificates), ..self })
    }

    /// Has somebody else ask than whom the environment says: credentials of the crate `google-cloud-auth`, 1.x.
    ///
    /// Such credentials may belong to the runtime that they were made in.
    #[must_use]
    pub fn credentials(self, credentials: Credentials) -> Self {
        Self { service: self.service.with_credentials(credentials), ..self }
    }

    /// A source that reads a subscription: by its name in the project, or as `projects/cafe/subscriptions/kitchen`.
    ///
    /// A subscription that does not exist is waited for.
    pub fn source(&self, subscription: &str) -> PubSubSource {
        PubSubSource::new(self.service.clone(), self.named("subscriptions", subscription))
    }

    /// A sink that publishes to a topic: by its name in the project, or as `projects/cafe/topics/cats`.
    pub fn sink(&self, topic: &str) -> PubSubSink {
        PubSubSink::new(self.service.clone(), self.named("topics", topic))
    }

    fn named(&self, kind: &str, name: &str) -> String {
        if name.contains('/') { name.to_owned() } else { format!("projects/{}/{kind}/{name}", self.project) }
    }
}

impl fmt::Debug for PubSub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.service.host();
        f.debug_struct("PubSub").field("project", &self.project).field("host", &host).finish_non_exhaustive()
    }
}

/// Why there is no [`PubSub`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PubSubError {
    /// A project can have no such name.
    #[error("the project has no name, or one that no project has: write its id, such as `cafe-123456`")]
    Project,
    /// The address of the emulator cannot be read.
    #[error("the address of the emulator cannot be read: write `host:port`, in code or in `PUBSUB_EMULATOR_HOST`")]
    Emulator,
    /// The URL of the service cannot be read.
    #[error("the endpoint cannot be read: write `https://host` or `https://host:port`, with nothing behind it")]
    Endpoint,
    /// A certificate is of no use, since the service is spoken to without TLS.
    #[error("the endpoint does not ask for TLS, and no certificate would count: write `https://`, and say it before")]
    Unencrypted,
    /// There is no certificate, or one that cannot be read.
    #[error("{}", trust::UNREADABLE)]
    Certificate,
}
