//! Small things that several expansions need.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Meta};

/// The attributes that decide whether an item exists, for what stands beside the item.
pub(crate) fn cfgs(attributes: &[Attribute]) -> Vec<TokenStream> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg") || is_conditional_cfg(attribute))
        .map(ToTokens::to_token_stream)
        .collect()
}

/// `#[cfg_attr(.., cfg(..))]`
fn is_conditional_cfg(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else { return false };
    attribute.path().is_ident("cfg_attr") && {
        let words: Vec<_> = list.tokens.clone().into_iter().skip(1).map(|token| token.to_string()).collect();
        words.iter().any(|word| word == "cfg")
    }
}

/// Source text as people write it: without the spaces that a token stream prints between everything.
pub(crate) fn compact(tokens: impl ToTokens) -> String {
    let spaced = tokens.to_token_stream().to_string();
    let chars: Vec<char> = spaced.chars().collect();
    let is_word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    let needed = |i: usize| {
        let before = i.checked_sub(1).and_then(|i| chars.get(i));
        is_word(before) && is_word(chars.get(i + 1)) || before == Some(&',')
    };
    chars.iter().enumerate().filter(|(i, c)| **c != ' ' || needed(*i)).map(|(_, c)| c).collect()
}

/// Where the expansion stands in the source.
pub(crate) fn place() -> TokenStream {
    quote! {
        __events::Place {
            module: ::core::module_path!(),
            file: ::core::file!(),
            line: ::core::line!(),
        }
    }
}

/// Lints that speak of code which people write.
pub(crate) fn allowed() -> TokenStream {
    quote!(#[allow(deprecated, unused_qualifications, clippy::all, clippy::nursery, clippy::pedantic, clippy::restriction)])
}
