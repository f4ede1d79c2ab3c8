//! Small things that several expansions need.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::Path;

use crate::options::crate_path;

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

/// What an expansion declares beside the user's item: out of sight, with `__events` for the crate.
pub(crate) fn beside(krate: Option<&Path>, declared: &TokenStream) -> TokenStream {
    let (krate, allowed) = (crate_path(krate), allowed());
    quote! {
        #[doc(hidden)]
        #allowed
        const _: () = {
            use #krate::__private as __events;

            #declared
        };
    }
}

/// Lints that speak of code which people write.
pub(crate) fn allowed() -> TokenStream {
    quote!(#[allow(deprecated, unused_qualifications, clippy::all, clippy::nursery, clippy::pedantic, clippy::restriction)])
}

/// A duration, as an expression.
pub(crate) fn duration(duration: Duration) -> TokenStream {
    let (seconds, nanoseconds) = (duration.as_secs(), duration.subsec_nanos());
    quote!(::core::time::Duration::new(#seconds, #nanoseconds))
}

/// The `Option` that a value is, or is not. By a short path: each of its tokens is handed to the compiler.
pub(crate) fn optional(value: Option<impl ToTokens>) -> TokenStream {
    value.map_or(quote!(__events::None), |value| quote!(__events::Some(#value)))
}

/// The name of a parameter of the expansion's own. Where it is used beside something that a macro of the user's wrote, the
/// place of that would have the compiler look for it there.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}
