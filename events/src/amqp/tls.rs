//! Connections that are encrypted: feature `amqp-tls`.

use std::io;
use std::sync::Arc;

use lapin::tcp::{RustlsConnector, RustlsConnectorConfig};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{Amqp, kit};
use crate::trust;

/// Who is trusted beside those that the system trusts, and what is shown to who asks.
#[derive(Clone, Default)]
pub(super) struct Tls {
    authorities: Vec<CertificateDer<'static>>,
    identity: Option<Arc<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>>,
}

/// What `amqps://` takes, beside what this machine trusts.
impl Amqp {
    /// Trusts the authorities whose certificates are in the text, as PEM, beside those that this machine trusts. It may be
    /// called for one text after another.
    ///
    /// A machine that trusts nobody at all, such as a bare container, has to be told of an authority by the variable
    /// `SSL_CERT_FILE`, which names a file of the same form.
    ///
    /// Clones from before are not affected: they have connections of their own.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use events::amqp::Amqp;
    ///
    /// let authority = std::fs::read_to_string("authority.pem")?;
    /// let amqp = Amqp::new("amqps://shop:salmon@rabbit.example")?.trusting(&authority)?;
    /// # drop(amqp);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`AmqpTlsError`] when there is no certificate in the text or one that cannot be read, and when the URL is not `amqps://`.
    pub fn trusting(self, certificates: &str) -> Result<Self, AmqpTlsError> {
        self.encrypted()?;
        let authorities = trust::certificates(certificates).ok_or(AmqpTlsError::Certificate)?;
        Ok(self.with(|way| way.tls.authorities.extend(authorities)))
    }

    /// Shows the broker a certificate, where it asks for one: the certificate, with those between it and its authority if there
    /// are any, and its private key, both as PEM. The key must not be encrypted.
    ///
    /// The user and the password of the URL count all the same. A broker that does not trust the certificate closes the
    /// connection; its reason is in the error, unless the end of the connection overtakes it. Clones from before are not affected.
    ///
    /// # Errors
    ///
    /// [`AmqpTlsError`] when a text does not hold what it should, and when the URL is not `amqps://`. It never holds the key.
    /// That a key is another certificate's is found when the broker is connected.
    pub fn identified_by(self, certificate: &str, key: &str) -> Result<Self, AmqpTlsError> {
        self.encrypted()?;
        let certificates = trust::certificates(certificate).ok_or(AmqpTlsError::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| AmqpTlsError::Key)?;
        Ok(self.with(|way| way.tls.identity = Some(Arc::new((certificates, key)))))
    }

    fn encrypted(&self) -> Result<(), AmqpTlsError> {
        if self.way().uri.scheme == AMQPScheme::AMQPS { Ok(()) } else { Err(AmqpTlsError::Unencrypted) }
    }
}

/// Why certificates or a key cannot be used. It never holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AmqpTlsError {
    /// The URL does not ask for TLS.
    #[error(
        "the URL of the broker does not ask for TLS, and no certificate would count: write `amqps://`, not `amqp://`"
    )]
    Unencrypted,
    /// There is no certificate, or one that cannot be read.
    #[error("{}", trust::UNREADABLE)]
    Certificate,
    /// There is no private key, or one that cannot be read.
    #[error(
        "no private key can be read: give the text of a PEM file whose key is not encrypted, with `-----BEGIN PRIVATE KEY-----` \
         in it"
    )]
    Key,
}

impl Tls {
    /// Connects to where a URL says, and encrypts where it says so.
    pub(super) async fn connect(self, uri: AMQPUri, properties: ConnectionProperties) -> lapin::Result<Connection> {
        if uri.scheme == AMQPScheme::AMQP {
            return kit::connect(uri, properties).await;
        }
        // What the system trusts is read from files, for which nobody is kept waiting.
        let reading = tokio::task::spawn_blocking(move || self.connector());
        let connector = reading.await.map_err(io::Error::other)??;
        let connect = async move |uri: AMQPUri, _| {
            let stream = kit::bare(&uri).await?;
            Ok(kit::screened(stream.into_rustls(&connector, &uri.authority.host).await?))
        };
        Connection::connector(uri, kit::Kit::current(), connect, properties).await
    }

    fn connector(self) -> io::Result<RustlsConnector> {
        let mut config = RustlsConnectorConfig::new_with_native_certs()?;
        config.add_parsable_certificates(self.authorities);
        match self.identity.as_deref() {
            Some((certificates, key)) => config.connector_with_single_cert(certificates.clone(), key.clone_key()),
            None => config.connector_with_no_client_auth(),
        }
    }
}

/// What to do about an error of TLS.
pub(super) fn advice(error: &io::Error) -> Option<&'static str> {
    let error = trust::behind(error)?;
    Some(match error {
        rustls::Error::InvalidMessage(_) => {
            "ask for the broker's port for TLS, which is 5671 unless it was told another one"
        }
        rustls::Error::AlertReceived(_) => {
            "if the broker asks for a certificate, show it one that it trusts by `Amqp::identified_by`"
        }
        _ => return trust::advice(error),
    })
}
