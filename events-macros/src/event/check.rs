//! What a type must be to be an event.

use std::collections::{HashMap, HashSet};

use quote::ToTokens as _;
use syn::{Attribute, Data, GenericParam, Type};

use super::args::Args;
use super::model::{Model, Variant};
use super::serde;
use crate::diagnostics::Diagnostics;

/// Reports everything that keeps the type from being an event.
pub(crate) fn check(model: &Model<'_>, diagnostics: &mut Diagnostics) {
    generics(model, diagnostics);
    match &model.input.data {
        Data::Union(data) => diagnostics.error(data.union_token, "a union cannot be an event: use a struct or an enum"),
        Data::Enum(data) => {
            if data.variants.is_empty() {
                diagnostics.error(&model.input.ident, "an enum without variants has no event: add one");
            }
            serde_options(&model.input.attrs, &["tag", "content", "untagged"], diagnostics, no_tag);
            for variant in &data.variants {
                serde_options(&variant.attrs, &["untagged"], diagnostics, no_tag);
                let skips = ["skip", "skip_serializing", "skip_deserializing"];
                serde_options(&variant.attrs, &skips, diagnostics, |option| {
                    format!(
                        "a variant of an event enum cannot be left out with `{option}`: move it to an enum of its own"
                    )
                });
            }
        }
        Data::Struct(_) => {}
    }
    distinct_names(model, diagnostics);
    for variant in &model.variants {
        upgrades(model, model.args_of(variant), diagnostics);
    }
    model.variants.iter().for_each(|variant| one_key(variant, diagnostics));
    without_context(&model.input.attrs, diagnostics);
}

fn one_key(variant: &Variant<'_>, diagnostics: &mut Diagnostics) {
    for (field, key) in variant.keys().filter(|(field, _)| field.secret) {
        let message = format!(
            "`{}` is `secret`, and a partition key is shown to brokers and in messages: mark another field",
            field.name
        );
        diagnostics.error(&key.option, message);
    }
    let mut keys = variant.keys();
    let Some((first, _)) = keys.next() else { return };
    for (_, key) in keys {
        let message = format!("`{}` is the partition key already: an event has one, so mark one field", first.name);
        diagnostics.error(&key.option, message);
    }
}

fn no_tag(option: &str) -> String {
    format!("an event enum has no `{option}` on the wire: the event's name says which variant it is; remove `{option}`")
}

fn generics(model: &Model<'_>, diagnostics: &mut Diagnostics) {
    for param in &model.input.generics.params {
        let message = match param {
            GenericParam::Lifetime(_) => {
                "an event cannot borrow: it outlives the call that dispatches it; own the data, as `String` or `Arc<str>` do"
            }
            GenericParam::Type(_) | GenericParam::Const(_) => {
                "an event cannot be generic: it is registered at link time, when nothing has chosen the parameter; write one struct for each type"
            }
        };
        diagnostics.error(param, message);
    }
}

fn distinct_names(model: &Model<'_>, diagnostics: &mut Diagnostics) {
    let mut seen: HashMap<&str, &Variant<'_>> = HashMap::new();
    for variant in &model.variants {
        let name = &variant.name;
        if let Some(first) = seen.insert(&name.text, variant).and_then(|first| first.ident) {
            let message =
                format!("`{first}` has the event name `{}` already: give one of them another `name`", name.text);
            diagnostics.error(name.literal(), message);
        }
    }
    let mut aliases = HashSet::new();
    for alias in model.variants.iter().flat_map(|variant| &model.args_of(variant).aliases) {
        let text = alias.value();
        if seen.contains_key(&*text) {
            diagnostics.error(alias, format!("`{text}` is the name of an event already: an `alias` is another name"));
        } else if !aliases.insert(text.clone()) {
            diagnostics.error(alias, format!("the alias `{text}` is given twice: keep one"));
        }
    }
}

fn upgrades(model: &Model<'_>, args: &Args, diagnostics: &mut Diagnostics) {
    let Some((option, older)) = args.upgrade.get() else { return };
    let version = args.version.get().copied().unwrap_or(1);
    if version == 1 {
        let message = "`upgrade` reads payloads of older versions: say which `version` the event has now, 2 or more";
        diagnostics.error(option, message);
    } else if older.len() >= version {
        let message =
            format!("`upgrade` names {} older types, more than there are versions before {version}", older.len());
        diagnostics.error(option, message);
    }
    let is_itself = |ty: &&Type| matches!(ty, Type::Path(path) if path.path.is_ident(&model.input.ident));
    for ty in older.iter().filter(is_itself) {
        let message = format!(
            "`upgrade` names the type that older payloads had, and `{}` is that of today",
            ty.to_token_stream()
        );
        diagnostics.error(ty, message);
    }
}

/// A type with a context is not `Validate`, and would go unchecked in silence.
fn without_context(attributes: &[Attribute], diagnostics: &mut Diagnostics) {
    for (name, _) in serde::entries(attributes, "validate").iter().filter(|(name, _)| name == "context") {
        let message = "an event is checked where it is dispatched, where there is no `context`: \
                       check what needs one in a handler";
        diagnostics.error(name, message);
    }
}

fn serde_options(
    attributes: &[Attribute],
    refused: &[&str],
    diagnostics: &mut Diagnostics,
    message: impl Fn(&str) -> String,
) {
    for (name, _) in serde::entries(attributes, "serde") {
        if refused.iter().any(|option| name == option) {
            diagnostics.error(&name, message(&name.to_string()));
        }
    }
}
