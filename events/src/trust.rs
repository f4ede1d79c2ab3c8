//! Whom TLS trusts beside those that the system trusts, and what to do where it trusts nobody.

use std::error::Error;
use std::io;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, RootCertStore};

/// What is said of a text where [`certificates`] finds nothing.
pub(crate) const UNREADABLE: &str =
    "no certificate can be read: give the text of a PEM file, with `-----BEGIN CERTIFICATE-----` in it";

/// The certificates in a text of PEM; nothing where there are none, or one that cannot be read.
pub(crate) fn certificates(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().ok()?;
    let is_readable = |certificate: &CertificateDer<'static>| RootCertStore::empty().add(certificate.clone()).is_ok();
    (!all.is_empty() && all.iter().all(is_readable)).then_some(all)
}

/// A text, and behind it what to do about what TLS has found, where it is TLS that an error comes from.
#[cfg(any(feature = "http", feature = "pubsub", feature = "sqs", feature = "sse"))]
pub(crate) fn advised(text: String, error: &(dyn Error + 'static)) -> String {
    match behind(error).and_then(advice) {
        Some(advice) => format!("{text}: {advice}"),
        None => text,
    }
}

/// What TLS has found, somewhere behind an error.
pub(crate) fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // These keep what they hold from those who ask for their source.
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = held.map(|held| held as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

/// What to do about what TLS has found.
pub(crate) fn advice(error: &rustls::Error) -> Option<&'static str> {
    use CertificateError as Wrong;
    let rustls::Error::InvalidCertificate(wrong) = error else { return None };
    Some(match wrong {
        // Where an authority of the same name is known, it is the signature that is wrong.
        Wrong::UnknownIssuer | Wrong::BadSignature => {
            "name the authority that has issued the certificate by `trusting`, or have this machine trust it"
        }
        Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => {
            "connect by a name that the certificate is for"
        }
        Wrong::Expired | Wrong::ExpiredContext { .. } => {
            "the other side needs a new certificate, if this machine's clock is right"
        }
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => {
            "look at this machine's clock: the certificate is not valid yet"
        }
        _ => return None,
    })
}
