//! A function as the attributes on functions see it.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, FnArg, GenericParam, PatType, ReturnType, Safety, Signature, Type, Visibility};

use crate::diagnostics::Diagnostics;
use crate::params;
use crate::tokens::compact;

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

/// A function that is put into the link table.
pub(crate) struct Registered {
    pub(crate) function: Function,
    /// The `#[depends(..)]` of each parameter.
    depends: Vec<Vec<Attribute>>,
}

impl Parse for Registered {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut function: Function = input.parse()?;
        let depends = params::take_depends(&mut function.signature);
        Ok(Self { function, depends })
    }
}

impl ToTokens for Registered {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Function { attributes, visibility, signature, body } = &self.function;
        // How the function takes its parameters, and whether it may wait, is what its signature is for.
        tokens.extend(quote! {
            #(#attributes)*
            #[allow(clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref, clippy::unused_async)]
            #visibility #signature #body
        });
    }
}

impl Registered {
    /// The parameters, `self` excepted, each with its `#[depends(..)]`.
    pub(crate) fn params(&self) -> impl Iterator<Item = (&PatType, &Vec<Attribute>)> {
        let inputs = self.function.signature.inputs.iter().zip(&self.depends);
        inputs.filter_map(|(input, depends)| match input {
            FnArg::Typed(typed) => Some((typed, depends)),
            FnArg::Receiver(_) => None,
        })
    }

    /// Takes the other attributes of one kind off, and answers them.
    pub(crate) fn take_attributes(&mut self, name: &str) -> Vec<Attribute> {
        let names = [name.to_owned(), format!("events::{name}")];
        let is_same = |attribute: &mut Attribute| names.contains(&compact(attribute.path()));
        self.function.attributes.extract_if(.., is_same).collect()
    }

    /// Whether it says that it stands in an `impl`.
    pub(crate) fn is_method(&self) -> bool {
        let Signature { inputs, .. } = &self.function.signature;
        matches!(inputs.first(), Some(FnArg::Receiver(_))) || self.mention_of_self().is_some()
    }

    /// `Self`, in the types of the parameters and after the arrow.
    fn mention_of_self(&self) -> Option<Ident> {
        let Signature { inputs, output, .. } = &self.function.signature;
        find_self(quote!(#inputs #output))
    }

    pub(crate) fn is_concrete(&self) -> bool {
        self.function.signature.generics.params.is_empty()
    }

    pub(crate) fn is_async(&self) -> bool {
        self.function.signature.asyncness.is_some()
    }

    /// The type after the arrow, where there is one.
    pub(crate) fn returned(&self) -> Option<&Type> {
        match &self.function.signature.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(ty),
        }
    }

    /// Reports what keeps a function from being called out of the link table.
    pub(crate) fn check(&self, noun: &str, diagnostics: &mut Diagnostics) {
        let Signature { safety, variadic, inputs, generics, .. } = &self.function.signature;
        if let Safety::Unsafe(token) = safety {
            let message = format!("a {noun} cannot be `unsafe`: nobody stands there to promise what it asks for");
            diagnostics.error(token, message);
        }
        if let Some(variadic) = variadic {
            diagnostics.error(variadic, format!("a {noun} cannot be variadic"));
        }
        if let Some(FnArg::Receiver(receiver)) = inputs.first() {
            let message = format!(
                "a {noun} cannot take `self`: it is called without a value of its type; write a function that asks for the value, by `#[depends(..)]` or as `State<T>`"
            );
            diagnostics.error(receiver, message);
        } else if let Some(mention) = self.mention_of_self() {
            let message = format!(
                "a {noun} cannot stand in an `impl`: it is registered under a path of its own; write the function outside, and the type's name instead of `Self`"
            );
            diagnostics.error(mention, message);
        }
        for param in &generics.params {
            let message = match param {
                GenericParam::Lifetime(_) => {
                    format!("a {noun} cannot name lifetimes: leave them out, `&T` borrows for the call")
                }
                _ => format!(
                    "a {noun} cannot be generic: it is registered at link time, when nothing has chosen the parameter"
                ),
            };
            diagnostics.error(param, message);
        }
        if let (Some(clause), true) = (&generics.where_clause, generics.params.is_empty()) {
            diagnostics.error(clause, format!("a {noun} cannot have a `where` clause"));
        }
    }
}

fn find_self(tokens: TokenStream) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) => (ident == "Self").then_some(ident),
        TokenTree::Group(group) => find_self(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    })
}

/// Says it plainly where the item under `attribute` is no function at all.
pub(crate) fn not_a_function(attribute: &str, item: &TokenStream) -> Option<syn::Error> {
    let is_keyword = |token: &TokenTree, keywords: &[&str]| matches!(token, TokenTree::Ident(ident) if keywords.iter().any(|keyword| ident == keyword));
    let others = ["struct", "enum", "union", "trait", "impl", "mod", "use", "static", "type"];
    let first = item.clone().into_iter().find(|token| is_keyword(token, &others) || is_keyword(token, &["fn"]))?;
    let message = format!("`{attribute}` goes on a function");
    is_keyword(&first, &others).then(|| syn::Error::new(first.span(), message))
}
