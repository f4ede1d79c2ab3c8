//! Connections that are encrypted: feature `amqp-tls`.

use std::io;

use lapin::tcp::OwnedIdentity;
use lapin::uri::AMQPScheme;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CertificateError, Error};

use super::Amqp;

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
        readable(certificates)?;
        Ok(self.with(|way| {
            let known = way.tls.cert_chain.get_or_insert_default();
            known.push_str(certificates);
            known.push('\n');
        }))
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
        readable(certificate)?;
        PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| AmqpTlsError::Key)?;
        let identity = OwnedIdentity::PKCS8 { pem: certificate.into(), key: key.into() };
        Ok(self.with(|way| way.tls.identity = Some(identity)))
    }

    fn encrypted(&self) -> Result<(), AmqpTlsError> {
        if self.way().uri.scheme == AMQPScheme::AMQPS { Ok(()) } else { Err(AmqpTlsError::Unencrypted) }
    }
}

fn readable(certificates: &str) -> Result<(), AmqpTlsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates.as_bytes()).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(()),
        _ => Err(AmqpTlsError::Certificate),
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
    #[error("no certificate can be read: give the text of a PEM file, with `-----BEGIN CERTIFICATE-----` in it")]
    Certificate,
    /// There is no private key, or one that cannot be read.
    #[error(
        "no private key can be read: give the text of a PEM file whose key is not encrypted, with `-----BEGIN PRIVATE KEY-----` \
         in it"
    )]
    Key,
}

/// What to do about an error of TLS.
pub(super) fn advice(error: &io::Error) -> Option<&'static str> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    Some(match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "name the authority that has issued the broker's certificate by `Amqp::trusting`, or have this machine trust it"
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "connect by a name that the broker's certificate is for",
        Error::InvalidMessage(_) => "ask for the broker's port for TLS, which is 5671 unless it was told another one",
        Error::AlertReceived(_) => {
            "if the broker asks for a certificate, show it one that it trusts by `Amqp::identified_by`"
        }
        _ => return None,
    })
}
