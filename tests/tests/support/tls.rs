//! A way to a server that is encrypted, with certificates of the test's own.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// Somebody who issues certificates.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "those whom the test trusts");
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("a certificate") }
    }

    /// Its certificate, as PEM.
    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A server that is `localhost`, and passes on what it is told to one that is not encrypted; answers its port. `protocol` is
    /// what it says that is spoken, where it says anything.
    pub(crate) async fn in_front_of(&self, server: SocketAddr, protocol: Option<&str>) -> u16 {
        self.until(server, protocol, 2100).await
    }

    /// The same, with a certificate that was good until a year began.
    pub(crate) async fn until(&self, server: SocketAddr, protocol: Option<&str>, year: i32) -> u16 {
        let acceptor = TlsAcceptor::from(Arc::new(self.config(protocol, year)));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Whoever does not trust the certificate goes away.
                    let Ok(mut outer) = acceptor.accept(stream).await else { return };
                    let mut inner = TcpStream::connect(server).await.expect("the server listens");
                    let _ = copy_bidirectional(&mut outer, &mut inner).await;
                });
            }
        });
        port
    }

    fn config(&self, protocol: Option<&str>, year: i32) -> ServerConfig {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(["localhost".into()]).expect("a name");
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").der().clone();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().expect("some").with_no_client_auth();
        let mut config = config.with_single_cert(vec![certificate], key).expect("they fit");
        config.alpn_protocols = protocol.into_iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        config
    }
}

/// What is said to whom a server's authority is unknown, its name is another one, and its certificate is too old.
pub(crate) const UNKNOWN: &str =
    "name the authority that has issued the certificate by `trusting`, or have this machine trust it";
pub(crate) const MISNAMED: &str = "connect by a name that the certificate is for";
pub(crate) const EXPIRED: &str = "the other side needs a new certificate, if this machine's clock is right";
