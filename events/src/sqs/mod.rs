//! Amazon SQS: feature `sqs`.

mod bounded;
mod errand;
mod lease;
mod message;
mod queue;
mod reading;
mod reject;
mod send;
mod sink;
mod source;
mod trouble;

use std::fmt;
use std::sync::Arc;

use aws_config::BehaviorVersion;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::SharedHttpClient;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

use crate::trust;
use bounded::Bounded;
use queue::Queue;
pub use sink::SqsSink;
pub use source::{SqsIncoming, SqsSettle, SqsSource};

pub use {aws_config, aws_sdk_sqs};

const PROVIDER: Provider = Provider::Rustls(CryptoMode::Ring);

/// Amazon SQS: queues that events [come from](Self::source), and that they [go to](Self::sink).
///
/// A queue is named, or given by its URL, which another account's queue needs. A name that ends in `.fifo` is that of a FIFO
/// queue. Queues are not made here: with their time-outs, rights and dead letters, they belong to whoever sets the account up.
///
/// Nothing is connected before it is needed. Clones share their connections. TLS is rustls' with `ring`, by the certificates
/// of the system and those that [`trusting`](Self::trusting) names.
///
/// [`docs::sqs`](crate::docs::sqs) is the guide: order, retries, dead letters, cost.
///
/// # Examples
///
/// ```no_run
/// use events::sqs::Sqs;
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
/// # async fn main() -> Result<(), events::Error> {
/// let sqs = Sqs::from_env().await;
/// let kitchen = Lifespan::builder().source(sqs.source("kitchen").prefetch(50)).start().await?;
///
/// let shop = Lifespan::builder().sink("cat-*", sqs.sink("kitchen").only()).start().await?;
/// shop.scope(async { dispatch(CatFed { fish: 2 }) }).await?;
/// # shop.shutdown().await?;
/// # kitchen.shutdown().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Sqs {
    client: Arc<Client>,
    /// Who is trusted beside those that the system trusts: texts of PEM.
    authorities: Vec<Arc<str>>,
}

impl Sqs {
    /// Amazon SQS as the environment has it: region, credentials and endpoint from variables such as `AWS_REGION`,
    /// `AWS_ACCESS_KEY_ID` and `AWS_ENDPOINT_URL_SQS`, from the files in `~/.aws`, from web identities, or from what ECS and EC2
    /// offer; neither from single sign-on nor from another process.
    ///
    /// What is missing shows with the first call: an error of whoever makes it.
    ///
    /// # Cancel safety
    ///
    /// Dropped on the way, nothing has happened.
    pub async fn from_env() -> Self {
        let config = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client()).load().await;
        Self::with_client(Client::new(&config))
    }

    /// A client that somebody else has set up: credentials, endpoint, retries, time-outs.
    ///
    /// A call for messages takes 20 s when there are none: time-outs of the client's must be longer. A client that has no other HTTP
    /// client can have [`http_client`].
    ///
    /// # Examples
    ///
    /// ```
    /// use events::sqs::aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
    /// use events::sqs::{Sqs, aws_sdk_sqs, http_client};
    ///
    /// let config = aws_sdk_sqs::Config::builder()
    ///     .behavior_version(BehaviorVersion::latest())
    ///     .http_client(http_client())
    ///     .region(Region::new("eu-central-1"))
    ///     .endpoint_url("http://localhost:5000")
    ///     .credentials_provider(Credentials::new("key", "secret", None, None, "here"))
    ///     .build();
    /// let sqs = Sqs::with_client(aws_sdk_sqs::Client::from_conf(config));
    /// # drop(sqs);
    /// ```
    pub fn with_client(client: Client) -> Self {
        Self { client: Arc::new(client), authorities: Vec::new() }
    }

    /// Trusts the authorities whose certificates are in the text, as PEM, beside those that this machine trusts: where the service
    /// is reached by a name or through a proxy of one's own. It may be called for one text after another.
    ///
    /// The client's HTTP client is replaced for that, also one that was [given](Self::with_client); region, credentials, endpoint
    /// and time-outs stay. Those who issue credentials are asked by another one, which trusts whom this machine trusts. Clones from
    /// before are not affected: they have connections of their own, and queues of theirs are other queues to what keeps [loops](SqsSink#loops) out.
    ///
    /// # Errors
    ///
    /// [`SqsTlsError`] when there is no certificate in the text or one that cannot be read.
    pub fn trusting(mut self, certificates: &str) -> Result<Self, SqsTlsError> {
        trust::certificates(certificates).ok_or(SqsTlsError::Certificate)?;
        self.authorities.push(certificates.into());
        let store = TrustStore::default();
        let store = self.authorities.iter().fold(store, |store, text| store.with_pem_certificate(text.as_bytes()));
        let context = TlsContext::builder().with_trust_store(store).build();
        let context = context.map_err(|_| SqsTlsError::Certificate)?;
        let config = self.client.config().to_builder().http_client(by(&context)).build();
        Ok(Self { client: Arc::new(Client::from_conf(config)), ..self })
    }

    /// A source that reads a queue, by its name or its URL. A queue that does not exist is waited for.
    pub fn source(&self, queue: &str) -> SqsSource {
        SqsSource::new(Queue::new(self.clone(), queue))
    }

    /// A sink that sends to a queue, by its name or its URL.
    pub fn sink(&self, queue: &str) -> SqsSink {
        SqsSink::new(Queue::new(self.clone(), queue))
    }
}

impl fmt::Debug for Sqs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = self.client.config().region().map(AsRef::as_ref);
        f.debug_struct("Sqs").field("region", &region).finish_non_exhaustive()
    }
}

/// The HTTP client that [`Sqs::from_env`] takes, for those who configure a client of their own: rustls with `ring`, which needs
/// a C compiler and nothing else to be built. Of an answer it reads 64 MiB at most, which is more than the service says.
pub fn http_client() -> SharedHttpClient {
    by(&TlsContext::default())
}

fn by(context: &TlsContext) -> SharedHttpClient {
    let builder = Builder::new().tls_provider(PROVIDER).tls_context(context.clone());
    SharedHttpClient::new(Bounded(builder.build_https()))
}

/// Why certificates cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SqsTlsError {
    /// There is no certificate, or one that cannot be read.
    #[error("{}", trust::UNREADABLE)]
    Certificate,
}
