//! The cryptography of TLS, for clients that panic where nobody has chosen any.

use rustls::crypto::{CryptoProvider, ring};

/// Chooses `ring`, unless the program has chosen already: that is kept.
pub(crate) fn ensure_provider() {
    if CryptoProvider::get_default().is_none() {
        // Somebody may have been faster.
        let _ = ring::default_provider().install_default();
    }
}
