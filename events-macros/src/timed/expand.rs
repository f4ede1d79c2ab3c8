//! The function around the timed body.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{LitStr, ReturnType, Type};

use super::args::Args;
use crate::function::Function;
use crate::options::crate_path;
use crate::tokens::{allowed, local};

/// The same function, with its body inside of a call that times it.
pub(super) fn expand(function: &Function, args: &Args) -> TokenStream {
    let Function { attributes, visibility, signature, body } = function;
    let own_name = || LitStr::new(&signature.ident.unraw().to_string(), signature.ident.span());
    let name = args.name.clone().unwrap_or_else(own_name);
    let returned = match &signature.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(&**ty),
    };
    let fallible = returned.is_some_and(is_result);
    let named = returned.filter(|ty| !is_unnamed(ty));
    // What is wrong with the answer is told at its type.
    let span = returned.map_or(signature.ident.span(), Type::span);
    let krate = at(span, crate_path(args.krate.get()));
    let timed = if signature.asyncness.is_some() {
        let function = Ident::new(if fallible { "try_timed" } else { "timed" }, span);
        let hint = match (named, returned) {
            (Some(ty), _) => Some(hint(&quote!(#ty), span)),
            (None, Some(_)) => None,
            (None, None) => Some(hint(&quote!(()), span)),
        };
        quote_spanned!(span=> #krate::#function(#name, async move { #hint #body }).await)
    } else {
        let function = Ident::new(if fallible { "try_timed_sync" } else { "timed_sync" }, span);
        let arrow = named.map(|ty| quote!(-> #ty));
        quote_spanned!(span=> #krate::#function(#name, move || #arrow #body))
    };
    quote!(#(#attributes)* #visibility #signature { #timed })
}

/// The path of the function that times, at the type whose error it may report.
fn at(span: Span, tokens: TokenStream) -> TokenStream {
    let moved = tokens.into_iter().map(|mut token| {
        token.set_span(span);
        token
    });
    moved.collect()
}

/// Says what an `async` block answers, which has no arrow to say it: `?` and coercions need it.
fn hint(returned: &TokenStream, span: Span) -> TokenStream {
    let (allowed, value) = (allowed(), local("__returned"));
    quote_spanned! {span=>
        #allowed
        #[allow(unreachable_code)]
        if false {
            let #value: #returned = loop {};
            return #value;
        }
    }
}

fn is_result(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|segment| segment.ident == "Result"),
        Type::Paren(paren) => is_result(&paren.elem),
        Type::Group(group) => is_result(&group.elem),
        _ => false,
    }
}

/// Whether the type cannot be written in a second place.
fn is_unnamed(ty: &Type) -> bool {
    fn mentions_impl(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Group(group) => mentions_impl(group.stream()),
            TokenTree::Ident(ident) => ident == "impl",
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    matches!(ty, Type::Never(_)) || mentions_impl(ty.to_token_stream())
}
