//! Where the service is, and the calls that it answers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use google_cloud_auth::credentials::{Builder, CacheableResource, Credentials};
use http::uri::PathAndQuery;
use http::{Extensions, HeaderMap, HeaderValue, Uri};
use prost::Message;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Streaming};
use tonic_prost::ProstCodec;

use super::fault::Fault;
use super::proto::{StreamingPullRequest, StreamingPullResponse};
use crate::crypto;
use crate::telemetry::Destination;

/// How long it may take until calls can be made, from nothing.
const OPEN_TIMEOUT: Duration = Duration::from_secs(15);
/// A connection is asked for a sign of life after so long without one, while an answer is waited for.
const ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const ALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// What one answer may have: more than the service puts into one.
const ANSWER_LIMIT: usize = 64 * 1024 * 1024;
const USER_AGENT: &str = concat!("events/", env!("CARGO_PKG_VERSION"));

const STREAMING_PULL: &str = "/google.pubsub.v1.Subscriber/StreamingPull";

/// Where the service is, and who asks.
#[derive(Clone)]
pub(super) struct Service {
    uri: Uri,
    access: Access,
    /// Who is trusted beside those that the system trusts.
    authorities: Vec<Certificate>,
}

#[derive(Clone)]
enum Access {
    /// An emulator does not ask.
    Anonymous,
    /// What the environment has: looked up when it is needed, since it belongs to the runtime that it was looked up in.
    Default,
    Given(Credentials),
}

impl Service {
    pub(super) fn google() -> Self {
        let uri = Uri::from_static("https://pubsub.googleapis.com");
        Self { uri, access: Access::Default, authorities: Vec::new() }
    }

    /// An emulator, by `host:port`.
    pub(super) fn emulator(address: &str) -> Option<Self> {
        let uri = bare(&format!("http://{address}"))?;
        uri.port_u16()?;
        Some(Self { uri, access: Access::Anonymous, authorities: Vec::new() })
    }

    pub(super) fn with_endpoint(self, url: &str) -> Option<Self> {
        let uri = bare(url).filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")))?;
        let access = match self.access {
            Access::Anonymous => Access::Default,
            access => access,
        };
        Some(Self { uri, access, ..self })
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    pub(super) fn trusting(mut self, certificates: &str) -> Self {
        self.authorities.push(Certificate::from_pem(certificates));
        self
    }

    pub(super) fn with_credentials(self, credentials: Credentials) -> Self {
        Self { access: Access::Given(credentials), ..self }
    }

    /// The host, and the port where it is said.
    pub(super) fn host(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }

    /// What its traces have in common.
    pub(super) fn destination(&self, name: String) -> Destination {
        let port = self.uri.port_u16().unwrap_or(if self.uri.scheme_str() == Some("http") { 80 } else { 443 });
        let destination = Destination::new("gcp_pubsub").sent_by("publish").named(name);
        match self.uri.host() {
            Some(host) => destination.at(host, port),
            None => destination,
        }
    }

    /// Connects.
    pub(super) async fn open(&self) -> Result<Link, Fault> {
        let late = |_| Fault::unreachable(format!("`{}` has not answered within {OPEN_TIMEOUT:?}", self.host()));
        timeout(OPEN_TIMEOUT, self.connect()).await.map_err(late)?
    }

    async fn connect(&self) -> Result<Link, Fault> {
        crypto::ensure_provider();
        let connecting = |error: tonic::transport::Error| Fault::connecting(self.host(), &error);
        let credentials = match &self.access {
            Access::Anonymous => None,
            Access::Default => Some(Builder::default().build().map_err(|error| Fault::unauthenticated(&error, false))?),
            Access::Given(credentials) => Some(credentials.clone()),
        };
        let mut endpoint = Endpoint::from(self.uri.clone())
            .user_agent(USER_AGENT)
            .map_err(connecting)?
            .http2_keep_alive_interval(ALIVE_INTERVAL)
            .keep_alive_timeout(ALIVE_TIMEOUT);
        if self.is_encrypted() {
            let tls = ClientTlsConfig::new().with_native_roots().ca_certificates(self.authorities.clone());
            // What the system trusts is read from files, for which nobody is kept waiting.
            let reading = tokio::task::spawn_blocking(move || endpoint.tls_config(tls));
            let read = reading.await.map_err(|error| Fault::unreachable(error.to_string()))?;
            endpoint = read.map_err(connecting)?;
        }
        let channel = endpoint.connect().await.map_err(connecting)?;
        let grpc = Grpc::new(channel).max_decoding_message_size(ANSWER_LIMIT);
        Ok(Link { grpc, credentials, identity: Arc::new(()) })
    }
}

/// A URL that has nothing behind its port, and no user in front of its host.
fn bare(url: &str) -> Option<Uri> {
    let uri: Uri = url.parse().ok()?;
    let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none() && !url.contains(['@', '#']);
    (is_bare && uri.host().is_some_and(|host| !host.is_empty())).then_some(uri)
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("uri", &self.uri).finish_non_exhaustive()
    }
}

/// A connection to the service, which is made anew by itself when it is lost.
#[derive(Clone)]
pub(super) struct Link {
    grpc: Grpc<Channel>,
    credentials: Option<Credentials>,
    identity: Arc<()>,
}

/// A method, what the service looks at to find out who answers, and what the caller needs to be allowed.
#[derive(Clone, Copy)]
pub(super) struct Method {
    pub(super) path: &'static str,
    pub(super) resource: &'static str,
    pub(super) role: &'static str,
}

impl Link {
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.identity, &other.identity)
    }

    /// Asks, and waits for the answer, but no longer than it may take.
    pub(super) async fn call<M, R>(&self, method: Method, name: &str, message: M, limit: Duration) -> Result<R, Fault>
    where
        M: Message + 'static,
        R: Message + Default + 'static,
    {
        let answering = async {
            let request = Request::from_parts(self.metadata(method, name).await?, Extensions::new(), message);
            let mut grpc = self.ready().await?;
            let codec = ProstCodec::<M, R>::default();
            let answer = grpc.unary(request, PathAndQuery::from_static(method.path), codec).await;
            answer.map(tonic::Response::into_inner).map_err(|status| Fault::answered(&status, method.role))
        };
        let late = |_| Fault::unreachable(format!("the service has not answered within {limit:?}"));
        timeout(limit, answering).await.map_err(late)?
    }

    /// Opens a stream, which says nothing before the service says something.
    pub(super) async fn pull(
        self,
        role: &'static str,
        subscription: Arc<str>,
        mut requests: mpsc::Receiver<StreamingPullRequest>,
    ) -> Result<Streaming<StreamingPullResponse>, Fault> {
        let method = Method { path: STREAMING_PULL, resource: "subscription", role };
        let requests = futures_util::stream::poll_fn(move |context| requests.poll_recv(context));
        let request = Request::from_parts(self.metadata(method, &subscription).await?, Extensions::new(), requests);
        let mut grpc = self.ready().await?;
        let codec = ProstCodec::<StreamingPullRequest, StreamingPullResponse>::default();
        let opened = grpc.streaming(request, PathAndQuery::from_static(method.path), codec).await;
        opened.map(tonic::Response::into_inner).map_err(|status| Fault::answered(&status, role))
    }

    async fn ready(&self) -> Result<Grpc<Channel>, Fault> {
        let mut grpc = self.grpc.clone();
        let lost = |error: tonic::transport::Error| Fault::answered(&tonic::Status::from_error(error.into()), "");
        grpc.ready().await.map_err(lost)?;
        Ok(grpc)
    }

    async fn metadata(&self, method: Method, name: &str) -> Result<MetadataMap, Fault> {
        let mut headers = match &self.credentials {
            Some(credentials) => authorisation(credentials).await?,
            None => HeaderMap::new(),
        };
        let routed = HeaderValue::try_from(format!("{}={name}", method.resource));
        let routed = routed.map_err(|_| Fault::invalid("the name has characters that no name has"))?;
        headers.insert("x-goog-request-params", routed);
        Ok(MetadataMap::from_headers(headers))
    }
}

async fn authorisation(credentials: &Credentials) -> Result<HeaderMap, Fault> {
    match credentials.headers(Extensions::new()).await {
        Ok(CacheableResource::New { data, .. }) => Ok(data),
        // Nothing was said to be known already.
        Ok(CacheableResource::NotModified) => Ok(HeaderMap::new()),
        Err(error) => Err(Fault::unauthenticated(&error, error.is_transient())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emulator_has_a_host_and_a_port_and_nothing_else() {
        for good in ["localhost:8085", "127.0.0.1:1", "[::1]:8085"] {
            assert_eq!(Service::emulator(good).as_ref().map(Service::host), Some(good));
        }
        for bad in ["", "localhost", ":8085", "http://localhost:8085", "a:1/b", "cat:salmon@a:1", "a:99999", "a b:1"] {
            assert!(Service::emulator(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn an_endpoint_is_a_url_without_a_path() {
        let google = Service::google;
        for good in ["https://europe-west1-pubsub.googleapis.com", "https://eu.example:443/", "http://private.example"]
        {
            assert!(google().with_endpoint(good).is_some(), "{good}");
        }
        for bad in
            ["eu.example", "ftp://eu.example", "https://", "https://eu.example/v1", "https://cat:salmon@eu.example"]
        {
            assert!(google().with_endpoint(bad).is_none(), "{bad}");
        }
    }
}
