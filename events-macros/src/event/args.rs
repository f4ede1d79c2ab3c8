//! The options of `#[event(..)]`.

use quote::ToTokens;
use syn::{Attribute, LitStr, Meta, Path};

use crate::diagnostics::Diagnostics;
use crate::options::{self, Entry, Once, Vocabulary};

/// What `#[event(..)]` says, in one attribute or in several.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) name: Once<LitStr>,
    pub(crate) prefix: Once<LitStr>,
    pub(crate) krate: Once<Path>,
}

/// Where an attribute stands, which decides what it may say.
#[derive(Clone, Copy)]
pub(crate) enum Position {
    Struct,
    Enum,
    Variant,
}

impl Position {
    fn vocabulary(self) -> Vocabulary {
        let values: &[&str] = match self {
            Self::Struct => &["name", "crate"],
            Self::Enum => &["prefix", "crate"],
            Self::Variant => &["name"],
        };
        Vocabulary { attribute: "#[event]", values, flags: &[], unbuilt: &["alias", "version", "upgrade"] }
    }

    /// What to do instead where an option of another position is given.
    fn misplaced(self, name: &str) -> Option<&'static str> {
        match (self, name) {
            (Self::Struct, "prefix") => Some("`prefix` is for enums: a struct has one `name`"),
            (Self::Enum, "name") => Some("an enum has no name of its own: name its variants, or give a `prefix`"),
            (Self::Variant, "prefix") => Some("`prefix` belongs to the enum: a variant has one `name`"),
            (Self::Variant, "crate") => Some("`crate` belongs to the enum, not to a variant"),
            _ => None,
        }
    }
}

impl Args {
    pub(crate) fn new(attributes: &[Attribute], position: Position, diagnostics: &mut Diagnostics) -> Self {
        let mut args = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("event")) {
            match &attribute.meta {
                Meta::List(list) => {
                    for entry in options::entries(list.tokens.clone(), diagnostics) {
                        args.set(entry, position, diagnostics);
                    }
                }
                meta => diagnostics.error(meta, "expected options in brackets: `#[event(name = \"..\")]`"),
            }
        }
        args
    }

    fn set(&mut self, entry: Entry, position: Position, diagnostics: &mut Diagnostics) {
        let vocabulary = position.vocabulary();
        let (name, value) = match entry {
            Entry::Text(text) => {
                return diagnostics.error(&text, format!("expected `name = {}`", text.to_token_stream()));
            }
            Entry::Flag(name) => return vocabulary.refuse(&name, diagnostics),
            Entry::Value(name, value) => (name, value),
        };
        let option = name.to_string();
        if let Some(message) = position.misplaced(&option) {
            return diagnostics.error(&name, message);
        }
        match option.as_str() {
            "name" => self.name.read(&name, &value, diagnostics, options::text),
            "prefix" => self.prefix.read(&name, &value, diagnostics, options::text),
            "crate" => self.krate.read(&name, &value, diagnostics, options::path),
            _ => vocabulary.refuse(&name, diagnostics),
        }
    }
}
