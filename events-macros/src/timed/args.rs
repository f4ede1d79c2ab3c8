//! The options of `#[timed(..)]`.

use proc_macro2::TokenStream;
use syn::{LitStr, Path};

use super::ATTRIBUTE;
use crate::diagnostics::Diagnostics;
use crate::options::{self, Entry, Once, Vocabulary};

const VOCABULARY: Vocabulary = Vocabulary { attribute: ATTRIBUTE, values: &["crate"], flags: &[] };

/// What the attribute says.
#[derive(Default)]
pub(super) struct Args {
    pub(super) name: Option<LitStr>,
    pub(super) krate: Once<Path>,
}

impl Args {
    pub(super) fn read(tokens: TokenStream, diagnostics: &mut Diagnostics) -> Self {
        let mut args = Self::default();
        for entry in options::entries(tokens, diagnostics) {
            match entry {
                Entry::Text(text) => args.name(text, diagnostics),
                Entry::Value(name, value) if name == "crate" => {
                    args.krate.read(&name, &value, diagnostics, options::path);
                }
                Entry::Value(name, _) if name == "name" => {
                    diagnostics.error(name, "the name stands alone: `#[timed(\"..\")]`");
                }
                Entry::Flag(name) | Entry::Value(name, _) => VOCABULARY.refuse(&name, diagnostics),
            }
        }
        args
    }

    fn name(&mut self, text: LitStr, diagnostics: &mut Diagnostics) {
        if self.name.is_some() {
            diagnostics.error(&text, "the name is given twice: keep one");
        } else if text.value().trim().is_empty() {
            diagnostics.error(&text, "the name is empty: write one, or `#[timed]` alone for that of the function");
        }
        self.name = Some(text);
    }
}
