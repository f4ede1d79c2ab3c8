//! A function as `#[on]` sees it.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, FnArg, Meta, PatType, Receiver, ReturnType, Signature, Type, TypeReference, Visibility};

use super::args::Args;
use crate::function;

/// A function that is registered.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    visibility: Visibility,
    pub(crate) signature: Signature,
    /// The `#[depends(..)]` of the parameters, which the compiler is not to see.
    pub(crate) depends: Vec<Attribute>,
    body: TokenStream,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let function::Function { attributes, visibility, mut signature, body } = input.parse()?;
        let mut depends = Vec::new();
        for param in &mut signature.inputs {
            let (FnArg::Typed(PatType { attrs, .. }) | FnArg::Receiver(Receiver { attrs, .. })) = param;
            depends.extend(attrs.extract_if(.., |attribute| attribute.path().is_ident("depends")));
        }
        Ok(Self { attributes, visibility, signature, depends, body })
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attributes, visibility, signature, body, .. } = self;
        // How a handler takes its parameters, and whether it may wait, is what its signature is for.
        tokens.extend(quote! {
            #(#attributes)*
            #[allow(clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref, clippy::unused_async)]
            #visibility #signature #body
        });
    }
}

impl Function {
    /// Takes the other attributes of the kind off, and answers what is in their brackets.
    pub(crate) fn take_stacked(&mut self, attribute: super::Attribute) -> Vec<TokenStream> {
        let names = match attribute {
            super::Attribute::On => ["on", "events :: on"],
            super::Attribute::Every => ["every", "events :: every"],
        };
        let is_same = |attribute: &Attribute| names.contains(&attribute.path().to_token_stream().to_string().as_str());
        let stacked = self.attributes.extract_if(.., |attribute| is_same(attribute));
        let brackets = |attribute: Attribute| match attribute.meta {
            Meta::List(list) => list.tokens,
            Meta::Path(_) | Meta::NameValue(_) => TokenStream::new(),
        };
        stacked.map(brackets).collect()
    }
}

/// A handler: its function, what its attribute says, and what its signature means.
pub(crate) struct Handler<'a> {
    pub(crate) attribute: super::Attribute,
    pub(crate) function: &'a Function,
    pub(crate) args: &'a Args,
    /// The first parameter, where it is what the call is about.
    pub(crate) event: Option<EventParam<'a>>,
    /// The parameters that are made for each call.
    pub(crate) others: Vec<&'a PatType>,
}

/// How a handler takes its event.
pub(crate) enum EventParam<'a> {
    Borrowed(&'a TypeReference),
    Owned(&'a Type),
}

impl<'a> Handler<'a> {
    pub(crate) fn new(attribute: super::Attribute, function: &'a Function, args: &'a Args) -> Self {
        let mut typed = function.signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        });
        let mut handler = Self { attribute, function, args, event: None, others: Vec::new() };
        if handler.is_about_something() {
            handler.event = typed.next().map(|first| EventParam::new(&first.ty));
        }
        handler.others = typed.collect();
        handler
    }

    /// Whether it is called for an event or for a failure, which its first parameter takes.
    pub(crate) fn is_about_something(&self) -> bool {
        self.attribute == super::Attribute::On && self.args.moment.get().is_none_or(|moment| moment == "failure")
    }

    pub(crate) fn is_async(&self) -> bool {
        self.function.signature.asyncness.is_some()
    }

    /// The type after the arrow, where there is one.
    pub(crate) fn returned(&self) -> Option<&'a Type> {
        match &self.function.signature.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(ty),
        }
    }
}

impl<'a> EventParam<'a> {
    fn new(ty: &'a Type) -> Self {
        match ty {
            Type::Reference(reference) => Self::Borrowed(reference),
            Type::Paren(paren) => Self::new(&paren.elem),
            Type::Group(group) => Self::new(&group.elem),
            other => Self::Owned(other),
        }
    }

    /// The type that the event has, without the reference.
    pub(crate) fn ty(&self) -> &'a Type {
        match self {
            Self::Borrowed(reference) => &reference.elem,
            Self::Owned(ty) => ty,
        }
    }
}
