//! The options of `#[provide(..)]`.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{Ident, Path};

use crate::diagnostics::Diagnostics;
use crate::options::{self, Entry, Once, Vocabulary};

const VOCABULARY: Vocabulary =
    Vocabulary { attribute: "#[provide]", values: &["timeout", "crate"], flags: &["lifespan"] };

/// What the attribute says.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) lifespan: Once<()>,
    pub(crate) timeout: Once<(Ident, Duration)>,
    pub(crate) krate: Once<Path>,
}

impl Args {
    pub(crate) fn new(tokens: TokenStream, diagnostics: &mut Diagnostics) -> Self {
        let mut args = Self::default();
        for entry in options::entries(tokens, diagnostics) {
            match entry {
                Entry::Text(text) => {
                    let message = format!("a provider has no pattern: leave {} out", text.to_token_stream());
                    diagnostics.error(&text, message);
                }
                Entry::Flag(name) if name == "lifespan" => args.lifespan.set(&name, (), diagnostics),
                Entry::Flag(name) => VOCABULARY.refuse(&name, diagnostics),
                Entry::Value(name, value) => args.value(&name, &value, diagnostics),
            }
        }
        args
    }

    fn value(&mut self, name: &Ident, value: &TokenStream, diagnostics: &mut Diagnostics) {
        match name.to_string().as_str() {
            "timeout" => {
                if let Some(timeout) = options::duration(name, value, diagnostics) {
                    self.timeout.set(name, (name.clone(), timeout), diagnostics);
                }
            }
            "crate" => self.krate.read(name, value, diagnostics, options::path),
            _ => VOCABULARY.refuse(name, diagnostics),
        }
    }
}
