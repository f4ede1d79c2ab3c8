//! A function as the attributes on functions see it.

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Signature, Visibility};

/// A function whose body is not looked at, so that half-typed code stays what it is.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: TokenStream,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Self {
            attributes: input.call(Attribute::parse_outer)?,
            visibility: input.parse()?,
            signature: input.parse()?,
            body: input.parse()?,
        })
    }
}

/// Says it plainly where the item under `attribute` is no function at all.
pub(crate) fn not_a_function(attribute: &str, item: &TokenStream) -> Option<syn::Error> {
    let is_keyword = |token: &TokenTree, keywords: &[&str]| matches!(token, TokenTree::Ident(ident) if keywords.iter().any(|keyword| ident == keyword));
    let others = ["struct", "enum", "union", "trait", "impl", "mod", "use", "static", "type"];
    let first = item.clone().into_iter().find(|token| is_keyword(token, &others) || is_keyword(token, &["fn"]))?;
    let message = format!("`{attribute}` goes on a function");
    is_keyword(&first, &others).then(|| syn::Error::new(first.span(), message))
}
