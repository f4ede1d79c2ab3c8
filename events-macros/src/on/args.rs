//! The options of `#[on(..)]`.

use std::time::Duration;

use proc_macro2::TokenStream;
use syn::{Ident, LitStr, Path};

use crate::diagnostics::Diagnostics;
use crate::options::{self, Entry, Once, Vocabulary};

const VOCABULARY: Vocabulary = Vocabulary {
    attribute: "#[on]",
    values: &["order", "timeout", "crate"],
    flags: &["now", "blocking"],
    unbuilt: &["group", "batch", "within", "startup", "shutdown", "failure"],
};

/// The moments of a lifespan, which take no event.
const HOOKS: [&str; 3] = ["startup", "shutdown", "failure"];

/// What `#[on(..)]` says, in one attribute or in several.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) patterns: Vec<LitStr>,
    pub(crate) order: Once<i32>,
    pub(crate) timeout: Once<(Ident, Duration)>,
    pub(crate) now: Once<Ident>,
    pub(crate) blocking: Once<Ident>,
    pub(crate) krate: Once<Path>,
    /// Whether it names a moment of the lifespan instead of events.
    pub(crate) is_hook: bool,
    /// Whether some `#[on]` has no pattern, so that the handler takes all that its parameter accepts.
    pub(crate) takes_all: bool,
}

impl Args {
    pub(crate) fn read(&mut self, tokens: TokenStream, diagnostics: &mut Diagnostics) {
        let before = self.patterns.len();
        for entry in options::entries(tokens, diagnostics) {
            match entry {
                Entry::Text(pattern) => self.pattern(pattern, diagnostics),
                Entry::Flag(name) => self.flag(&name, diagnostics),
                Entry::Value(name, value) => self.value(&name, &value, diagnostics),
            }
        }
        self.takes_all |= self.patterns.len() == before;
    }

    fn pattern(&mut self, pattern: LitStr, diagnostics: &mut Diagnostics) {
        let text = pattern.value();
        if text.is_empty() {
            diagnostics.error(&pattern, "an empty pattern matches no event: write `\"*\"`, or `#[on]` alone");
        } else if self.patterns.iter().any(|known| known.value() == text) {
            diagnostics.error(&pattern, format!("pattern `{text}` is given twice: keep one"));
        }
        self.patterns.push(pattern);
    }

    fn flag(&mut self, name: &Ident, diagnostics: &mut Diagnostics) {
        match name.to_string().as_str() {
            "now" => self.now.set(name, name.clone(), diagnostics),
            "blocking" => self.blocking.set(name, name.clone(), diagnostics),
            option => {
                self.is_hook |= HOOKS.contains(&option);
                VOCABULARY.refuse(name, diagnostics);
            }
        }
    }

    fn value(&mut self, name: &Ident, value: &TokenStream, diagnostics: &mut Diagnostics) {
        match name.to_string().as_str() {
            "order" => {
                if let Some(order) = options::number(name, value, diagnostics) {
                    self.order.set(name, order, diagnostics);
                }
            }
            "timeout" => {
                if let Some(timeout) = options::duration(name, value, diagnostics) {
                    self.timeout.set(name, (name.clone(), timeout), diagnostics);
                }
            }
            "crate" => {
                if let Some(path) = options::path(name, value, diagnostics) {
                    self.krate.set(name, path, diagnostics);
                }
            }
            _ => VOCABULARY.refuse(name, diagnostics),
        }
    }
}
