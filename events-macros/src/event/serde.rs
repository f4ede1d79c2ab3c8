//! What serde's attributes say of names: how fields are called on the wire.

use heck::{ToLowerCamelCase as _, ToUpperCamelCase as _};
use proc_macro2::TokenStream;
use syn::{Attribute, Ident, LitStr, Meta};

use crate::diagnostics::Diagnostics;
use crate::options::{self, Entry};

/// The part of `#[serde(..)]` that names depend on.
#[derive(Default)]
pub(crate) struct SerdeArgs {
    pub(crate) rename: Option<String>,
    pub(crate) rename_all: Option<Naming>,
    pub(crate) rename_all_fields: Option<Naming>,
    pub(crate) flatten: bool,
}

/// A rule that makes a name on the wire of a name in Rust.
#[derive(Clone, Copy)]
pub(crate) enum Naming {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

impl SerdeArgs {
    pub(crate) fn new(attributes: &[Attribute]) -> Self {
        let mut args = Self::default();
        for (name, value) in entries(attributes, "serde") {
            let value = value.and_then(|value| syn::parse2::<LitStr>(value).ok()).map(|text| text.value());
            let naming = || value.as_deref().and_then(Naming::new);
            match name.to_string().as_str() {
                "rename_all" => args.rename_all = naming(),
                "rename_all_fields" => args.rename_all_fields = naming(),
                "rename" => args.rename = value,
                "flatten" => args.flatten = true,
                _ => {}
            }
        }
        args
    }
}

/// The entries of `#[serde(..)]`, or of another attribute that is not ours, with their values.
pub(crate) fn entries(attributes: &[Attribute], attribute: &str) -> Vec<(Ident, Option<TokenStream>)> {
    // Whose attribute it is reports what is wrong with it.
    let mut ignored = Diagnostics::new();
    let lists = attributes.iter().filter(|given| given.path().is_ident(attribute)).filter_map(|given| {
        let Meta::List(list) = &given.meta else { return None };
        Some(list.tokens.clone())
    });
    let entries = lists.flat_map(|tokens| options::entries(tokens, &mut ignored)).filter_map(|entry| match entry {
        Entry::Text(_) => None,
        Entry::Flag(name) => Some((name, None)),
        Entry::Value(name, value) => Some((name, Some(value))),
    });
    let entries = entries.collect();
    let _ = ignored.finish();
    entries
}

impl Naming {
    fn new(rule: &str) -> Option<Self> {
        Some(match rule {
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "snake_case" => Self::Snake,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            "kebab-case" => Self::Kebab,
            "SCREAMING-KEBAB-CASE" => Self::ScreamingKebab,
            _ => return None,
        })
    }

    /// The name on the wire of a variant, which is written in Pascal case.
    pub(crate) fn of_variant(self, name: &str) -> String {
        // Serde parts a name before every capital, and not between words.
        let snake = name.char_indices().fold(String::new(), |mut snake, (index, character)| {
            if index > 0 && character.is_uppercase() {
                snake.push('_');
            }
            snake.push(character.to_ascii_lowercase());
            snake
        });
        match self {
            Self::Lower => name.to_ascii_lowercase(),
            Self::Upper => name.to_ascii_uppercase(),
            Self::Pascal => name.to_owned(),
            Self::Camel => {
                let first = name.chars().next().map(|first| first.to_ascii_lowercase());
                first.into_iter().chain(name.chars().skip(1)).collect()
            }
            Self::Snake => snake,
            Self::ScreamingSnake => snake.to_ascii_uppercase(),
            Self::Kebab => snake.replace('_', "-"),
            Self::ScreamingKebab => snake.to_ascii_uppercase().replace('_', "-"),
        }
    }

    /// The name on the wire of a field, which is written in snake case.
    pub(crate) fn of_field(self, name: &str) -> String {
        match self {
            Self::Lower | Self::Snake => name.to_owned(),
            Self::Upper | Self::ScreamingSnake => name.to_ascii_uppercase(),
            Self::Pascal => name.to_upper_camel_case(),
            Self::Camel => name.to_lower_camel_case(),
            Self::Kebab => name.replace('_', "-"),
            Self::ScreamingKebab => name.to_ascii_uppercase().replace('_', "-"),
        }
    }
}
