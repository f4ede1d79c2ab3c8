//! The options of `#[event(..)]`.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Ident, LitStr, Meta, Path, Type};

use crate::diagnostics::Diagnostics;
use crate::options::{self, Entry, Once, Vocabulary};

/// What `#[event(..)]` says, in one attribute or in several.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) name: Once<LitStr>,
    pub(crate) aliases: Vec<LitStr>,
    pub(crate) version: Once<usize>,
    pub(crate) upgrade: Once<(Ident, Vec<Type>)>,
    pub(crate) prefix: Once<LitStr>,
    pub(crate) secret: Once<()>,
    pub(crate) partition_key: Once<Ident>,
    pub(crate) krate: Once<Path>,
}

/// Where an attribute stands, which decides what it may say.
#[derive(Clone, Copy)]
pub(crate) enum Position {
    Struct,
    Enum,
    Variant,
    Field,
}

impl Position {
    fn vocabulary(self) -> Vocabulary {
        let (values, flags): (&[&str], &[&str]) = match self {
            Self::Struct => (&["name", "alias", "version", "upgrade", "crate"], &[]),
            Self::Enum => (&["prefix", "crate"], &[]),
            Self::Variant => (&["name", "alias", "version", "upgrade"], &[]),
            Self::Field => (&[], &["secret", "partition_key"]),
        };
        Vocabulary { attribute: "#[event]", values, flags }
    }

    /// What to do instead where an option of another position is given.
    fn misplaced(self, name: &str) -> Option<String> {
        let message = match (self, name) {
            (Self::Struct, "prefix") => "`prefix` is for enums: a struct has one `name`",
            (Self::Enum, "name") => "an enum has no name of its own: name its variants, or give a `prefix`",
            (Self::Enum, "alias" | "version" | "upgrade") => {
                return Some(format!("`{name}` belongs to a variant: each is an event of its own"));
            }
            (Self::Variant, "prefix") => "`prefix` belongs to the enum: a variant has one `name`",
            (Self::Variant, "crate") => "`crate` belongs to the enum, not to a variant",
            (Self::Struct | Self::Enum | Self::Variant, "secret") => {
                "`secret` belongs to a field, whose value it keeps out of messages"
            }
            (Self::Struct | Self::Enum | Self::Variant, "partition_key") => {
                "`partition_key` belongs to the field whose value is the key"
            }
            (Self::Field, "name" | "alias") => {
                return Some(format!("`{name}` belongs to the event: serde's `rename` and `alias` are for fields"));
            }
            _ => return None,
        };
        Some(message.into())
    }

    fn refuse(self, name: &Ident, diagnostics: &mut Diagnostics) {
        match self.misplaced(&name.to_string()) {
            Some(message) => diagnostics.error(name, message),
            None => self.vocabulary().refuse(name, diagnostics),
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
        match entry {
            Entry::Text(text) if matches!(position, Position::Field) => {
                diagnostics.error(&text, "expected `secret` or `partition_key`");
            }
            Entry::Text(text) => diagnostics.error(&text, format!("expected `name = {}`", text.to_token_stream())),
            Entry::Flag(name) => self.flag(&name, position, diagnostics),
            Entry::Value(name, value) => self.value(&name, &value, position, diagnostics),
        }
    }

    fn flag(&mut self, name: &Ident, position: Position, diagnostics: &mut Diagnostics) {
        match position {
            Position::Field if name == "secret" => self.secret.set(name, (), diagnostics),
            Position::Field if name == "partition_key" => self.partition_key.set(name, name.clone(), diagnostics),
            _ => position.refuse(name, diagnostics),
        }
    }

    fn value(&mut self, name: &Ident, value: &TokenStream, position: Position, diagnostics: &mut Diagnostics) {
        match name.to_string().as_str() {
            option if !position.vocabulary().values.contains(&option) => position.refuse(name, diagnostics),
            "name" => self.name.read(name, value, diagnostics, options::text),
            "alias" => self.aliases.extend(options::text(name, value, diagnostics)),
            "version" => {
                if let Some(version) = options::count(name, value, diagnostics) {
                    self.version.set(name, version, diagnostics);
                }
            }
            "upgrade" => {
                if let Some(older) = options::types(name, value, diagnostics) {
                    self.upgrade.set(name, (name.clone(), older), diagnostics);
                }
            }
            "prefix" => self.prefix.read(name, value, diagnostics, options::text),
            _ => self.krate.read(name, value, diagnostics, options::path),
        }
    }
}
