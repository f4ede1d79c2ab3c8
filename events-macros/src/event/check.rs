//! What a type must be to be an event.

use std::collections::HashMap;

use syn::{Attribute, Data, GenericParam, Meta};

use super::model::Model;
use crate::diagnostics::Diagnostics;
use crate::options::{self, Entry};

/// Reports everything that keeps the type from being an event.
pub(crate) fn check(model: &Model<'_>, diagnostics: &mut Diagnostics) {
    generics(model, diagnostics);
    match &model.input.data {
        Data::Union(data) => diagnostics.error(data.union_token, "a union cannot be an event: use a struct or an enum"),
        Data::Enum(data) => {
            if data.variants.is_empty() {
                diagnostics.error(&model.input.ident, "an enum without variants has no event: add one");
            }
            serde_options(&model.input.attrs, &["tag", "content", "untagged"], diagnostics, |option| {
                format!(
                    "an event enum has no `{option}` on the wire: the event's name says which variant it is; remove `{option}`"
                )
            });
            for variant in &data.variants {
                let skips = ["skip", "skip_serializing", "skip_deserializing"];
                serde_options(&variant.attrs, &skips, diagnostics, |option| {
                    format!(
                        "a variant of an event enum cannot be left out with `{option}`: move it to an enum of its own"
                    )
                });
            }
            distinct_names(model, diagnostics);
        }
        Data::Struct(_) => {}
    }
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
    let mut seen = HashMap::new();
    for name in &model.names {
        if let Some((variant, _)) = name.variant
            && let Some(first) = seen.insert(name.text.as_str(), variant)
        {
            let message =
                format!("`{first}` has the event name `{}` already: give one of them another `name`", name.text);
            diagnostics.error(name.literal(), message);
        }
    }
}

fn serde_options(
    attributes: &[Attribute],
    refused: &[&str],
    diagnostics: &mut Diagnostics,
    message: impl Fn(&str) -> String,
) {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        let Meta::List(list) = &attribute.meta else { continue };
        // Serde reports what is wrong with its own options.
        let mut ignored = Diagnostics::new();
        for entry in options::entries(list.tokens.clone(), &mut ignored) {
            if let Entry::Flag(name) | Entry::Value(name, _) = entry
                && refused.iter().any(|option| name == option)
            {
                diagnostics.error(&name, message(&name.to_string()));
            }
        }
        let _ = ignored.finish();
    }
}
