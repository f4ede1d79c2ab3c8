//! The function around the timed body.

use proc_macro2::{TokenStream, TokenTree};
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
    let krate = crate_path(args.krate.get());
    let own_name = || LitStr::new(&signature.ident.unraw().to_string(), signature.ident.span());
    let name = args.name.clone().unwrap_or_else(own_name);
    let returned = match &signature.output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(&**ty),
    };
    let fallible = returned.is_some_and(is_result);
    let span = returned.map_or(signature.ident.span(), |ty| ty.span());
    let named = returned.filter(|ty| !is_unnamed(ty));
    let timed = if signature.asyncness.is_some() {
        let function = if fallible { quote_spanned!(span=> try_timed) } else { quote_spanned!(span=> timed) };
        let hint = hint(named.map_or_else(|| returned.is_none().then(|| quote!(())), |ty| Some(quote!(#ty))));
        quote!(#krate::#function(#name, async move { #hint #body }).await)
    } else {
        let function = if fallible { quote_spanned!(span=> try_timed_sync) } else { quote_spanned!(span=> timed_sync) };
        let arrow = named.map(|ty| quote!(-> #ty));
        quote!(#krate::#function(#name, move || #arrow #body))
    };
    quote!(#(#attributes)* #visibility #signature { #timed })
}

/// Says what an `async` block answers, which has no arrow to say it: `?` and coercions need it.
fn hint(returned: Option<TokenStream>) -> Option<TokenStream> {
    let (allowed, value) = (allowed(), local("__returned"));
    returned.map(|ty| {
        quote! {
            #allowed
            #[allow(unreachable_code)]
            if false {
                let #value: #ty = loop {};
                return #value;
            }
        }
    })
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
