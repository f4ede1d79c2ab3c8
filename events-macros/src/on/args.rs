//! The options of `#[on(..)]` and of `#[every(..)]`.

use std::time::Duration;

use proc_macro2::TokenStream;
use syn::{Ident, LitStr, Path};

use crate::diagnostics::Diagnostics;
use crate::options::{self, Entry, Once, Vocabulary};

/// Which of the two attributes it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attribute {
    On,
    Every,
}

impl Attribute {
    pub(crate) fn text(self) -> &'static str {
        self.vocabulary().attribute
    }

    fn vocabulary(self) -> Vocabulary {
        match self {
            Self::On => Vocabulary {
                attribute: "#[on]",
                values: &["order", "timeout", "group", "batch", "within", "concurrency", "crate"],
                flags: &["now", "blocking", "startup", "shutdown", "failure"],
            },
            Self::Every => Vocabulary {
                attribute: "#[every]",
                values: &["max", "timeout", "group", "crate"],
                flags: &["blocking"],
            },
        }
    }
}

/// What the attribute says, in one or in several.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) patterns: Vec<LitStr>,
    pub(crate) interval: Option<Duration>,
    pub(crate) max: Once<usize>,
    pub(crate) order: Once<i32>,
    pub(crate) timeout: Once<(Ident, Duration)>,
    pub(crate) group: Once<LitStr>,
    /// How many events make a batch.
    pub(crate) batch: Once<(Ident, usize)>,
    /// How long the oldest event of a batch waits.
    pub(crate) within: Once<(Ident, Duration)>,
    /// How many batches are handled at a time.
    pub(crate) concurrency: Once<(Ident, usize)>,
    pub(crate) now: Once<Ident>,
    pub(crate) blocking: Once<Ident>,
    /// The moment of the lifespan that it names instead of events.
    pub(crate) moment: Once<Ident>,
    pub(crate) krate: Once<Path>,
    /// Whether some `#[on]` has no pattern, so that the handler takes all that its parameter accepts.
    pub(crate) takes_all: bool,
}

impl Args {
    pub(crate) fn read(&mut self, attribute: Attribute, tokens: TokenStream, diagnostics: &mut Diagnostics) {
        let before = self.patterns.len();
        for entry in options::entries(tokens, diagnostics) {
            match entry {
                Entry::Text(text) if attribute == Attribute::Every => self.interval(&text, diagnostics),
                Entry::Text(text) => self.pattern(text, diagnostics),
                Entry::Flag(name) => self.flag(attribute, &name, diagnostics),
                Entry::Value(name, value) => self.value(attribute, &name, &value, diagnostics),
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

    fn interval(&mut self, text: &LitStr, diagnostics: &mut Diagnostics) {
        if self.interval.is_some() {
            diagnostics.error(text, "the interval is given twice: keep one");
        }
        // What is wrong has been reported; a missing interval would be reported once more.
        self.interval = options::duration_of("the interval", text, diagnostics).or(Some(Duration::ZERO));
    }

    fn flag(&mut self, attribute: Attribute, name: &Ident, diagnostics: &mut Diagnostics) {
        let vocabulary = attribute.vocabulary();
        let text = name.to_string();
        match text.as_str() {
            flag if !vocabulary.flags.contains(&flag) => vocabulary.refuse(name, diagnostics),
            "now" => self.now.set(name, name.clone(), diagnostics),
            "blocking" => self.blocking.set(name, name.clone(), diagnostics),
            _ => match self.moment.get() {
                Some(first) if first != name => {
                    let message =
                        format!("a function has one moment: `{first}` stands there already, write two functions");
                    diagnostics.error(name, message);
                }
                _ => self.moment.set(name, name.clone(), diagnostics),
            },
        }
    }

    fn value(&mut self, attribute: Attribute, name: &Ident, value: &TokenStream, diagnostics: &mut Diagnostics) {
        let vocabulary = attribute.vocabulary();
        match name.to_string().as_str() {
            option if !vocabulary.values.contains(&option) => vocabulary.refuse(name, diagnostics),
            "order" => self.order.read(name, value, diagnostics, options::number),
            "max" => self.max.read(name, value, diagnostics, options::count),
            "group" => self.group.read(name, value, diagnostics, options::text),
            "crate" => self.krate.read(name, value, diagnostics, options::path),
            "batch" => self.batch.keep(name, options::count(name, value, diagnostics), diagnostics),
            "concurrency" => self.concurrency.keep(name, options::count(name, value, diagnostics), diagnostics),
            "within" => self.within.keep(name, options::duration(name, value, diagnostics), diagnostics),
            _ => {
                if let Some(timeout) = options::duration(name, value, diagnostics) {
                    self.timeout.set(name, (name.clone(), timeout), diagnostics);
                }
            }
        }
    }
}
