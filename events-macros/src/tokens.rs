//! Small things that several expansions need.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};

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

/// The name of a parameter of the expansion's own. Where it is used beside something that a macro of the user's wrote, the
/// place of that would have the compiler look for it there.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}
