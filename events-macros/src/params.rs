//! The parameters of a function that are made for each call: from the context, or by a provider that `#[depends(..)]` names.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::parse::Parser as _;
use syn::spanned::Spanned as _;
use syn::{Attribute, FnArg, Meta, PatType, Path, Receiver, Signature, Type, TypeReference};

use crate::diagnostics::Diagnostics;
use crate::tokens::local;

/// Takes the `#[depends(..)]` off the parameters, which the compiler is not to see; one entry for each parameter.
pub(crate) fn take_depends(signature: &mut Signature) -> Vec<Vec<Attribute>> {
    let inputs = signature.inputs.iter_mut();
    inputs
        .map(|input| {
            let (FnArg::Typed(PatType { attrs, .. }) | FnArg::Receiver(Receiver { attrs, .. })) = input;
            attrs.extract_if(.., |attribute| attribute.path().is_ident("depends")).collect()
        })
        .collect()
}

/// A parameter that is made for each call.
pub(crate) struct Param<'a> {
    pub(crate) syntax: &'a PatType,
    /// Absent where the type makes itself, from the context.
    provider: Option<Path>,
}

/// The parameters of a function that are made for each call.
pub(crate) struct Params<'a>(pub(crate) Vec<Param<'a>>);

impl<'a> Params<'a> {
    pub(crate) fn new(
        params: impl Iterator<Item = (&'a PatType, &'a Vec<Attribute>)>,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let param = |(syntax, depends): (&'a PatType, &'a Vec<Attribute>)| Param {
            syntax,
            provider: provider(depends, diagnostics),
        };
        Self(params.map(param).collect())
    }

    /// The providers, in the order of the parameters.
    pub(crate) fn providers(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().filter_map(|param| param.provider.as_ref())
    }

    pub(crate) fn has_providers(&self) -> bool {
        self.providers().next().is_some()
    }

    /// The statements that ask the providers for their values. `provided` holds those of the call.
    pub(crate) fn statements(&self, context: &Ident, provided: &TokenStream) -> TokenStream {
        let provided_params = || {
            let params = self.0.iter().enumerate();
            params.filter_map(|(index, param)| Some((param, param.provider.as_ref()?, index)))
        };
        let asked = provided_params().map(|(param, path, index)| {
            let made = made(index, path);
            let ask = Ident::new(if param.is_shared() { "__shared" } else { "__owned" }, path.span());
            quote_spanned! {path.span()=>
                let #made = <#path as __events::Provider>::#ask(&#context, #provided).await?;
            }
        });
        // Behind the last await, so that what is borrowed as a `&dyn Trait` need not be `Sync`. That the types agree is said
        // here, at the path and at the type, and not by the call, which would speak of the function too.
        let borrowed = provided_params().map(|(param, path, index)| {
            let (made, value, ty) = (made(index, path), value(index), &param.syntax.ty);
            let lent = match reference(ty).map(|reference| peeled(&reference.elem)) {
                None => quote!(#made),
                Some(Type::TraitObject(_)) => quote_spanned! {path.span()=> {
                    #[allow(unused_imports)]
                    use __events::Lend as _;
                    __events::Lent(&*#made).lend()
                }},
                Some(_) => quote_spanned!(path.span()=> &*#made),
            };
            quote_spanned!(path.span()=> let #value: #ty = #lent;)
        });
        quote!(#(#asked)* #(#borrowed)*)
    }

    /// The arguments of the call; `trait_name` is what makes a parameter from the context.
    pub(crate) fn arguments(&self, make: impl Fn(&Type) -> TokenStream) -> Vec<TokenStream> {
        let argument = |(index, param): (usize, &Param<'_>)| {
            let ty = &*param.syntax.ty;
            if param.is_provided() { value(index).into_token_stream() } else { make(ty) }
        };
        self.0.iter().enumerate().map(argument).collect()
    }

    /// What can be said of the parameters without a call.
    pub(crate) fn declarations(&self, signature: &Ident, made_by: &TokenStream) -> TokenStream {
        let declarations = self.0.iter().map(|param| {
            let ty = &*param.syntax.ty;
            match &param.provider {
                None => quote_spanned!(ty.span()=> <#ty as __events::#made_by>::declare(#signature);),
                Some(path) => {
                    let shared = param.is_shared();
                    quote_spanned! {path.span()=>
                        #signature.__depends(<#path as __events::Provider>::__declaration(), #shared);
                    }
                }
            }
        });
        quote!(#(#declarations)*)
    }

    /// What is known of the providers when the compiler runs.
    pub(crate) fn facts(&self) -> TokenStream {
        let facts = self.providers().map(|path| quote_spanned!(path.span()=> <#path as __events::Provider>::FACTS));
        quote!([#(#facts),*])
    }

    /// One proof for each provider, at its path; `assert` speaks of what is known of it.
    pub(crate) fn proofs(&self, assert: &str) -> TokenStream {
        let proofs = self.providers().map(|path| proof(path, assert));
        quote!(#(#proofs)*)
    }

    /// That what is taken by value belongs to the call.
    pub(crate) fn proofs_of_owned(&self) -> TokenStream {
        let owned = self.0.iter().filter(|param| !param.is_shared()).filter_map(|param| param.provider.as_ref());
        let proofs = owned.map(|path| proof(path, "assert_owned"));
        quote!(#(#proofs)*)
    }
}

impl Param<'_> {
    pub(crate) fn is_provided(&self) -> bool {
        self.provider.is_some()
    }

    /// Whether it borrows what a provider made.
    fn is_shared(&self) -> bool {
        reference(&self.syntax.ty).is_some()
    }
}

/// The type as a reference, also where it came through a macro of the user's.
pub(crate) fn reference(ty: &Type) -> Option<&TypeReference> {
    if let Type::Reference(reference) = peeled(ty) { Some(reference) } else { None }
}

fn peeled(ty: &Type) -> &Type {
    match ty {
        Type::Paren(paren) => peeled(&paren.elem),
        Type::Group(group) => peeled(&group.elem),
        other => other,
    }
}

fn value(index: usize) -> Ident {
    local(&format!("__value_{index}"))
}

/// What the provider at `path` has made; an error at it is one at the path.
fn made(index: usize, path: &Path) -> Ident {
    Ident::new(&format!("__made_{index}"), Span::call_site().located_at(path.span()))
}

fn proof(path: &Path, assert: &str) -> TokenStream {
    let assert = Ident::new(assert, path.span());
    quote_spanned!(path.span()=> const _: () = __events::#assert(<#path as __events::Provider>::FACTS);)
}

fn provider(depends: &[Attribute], diagnostics: &mut Diagnostics) -> Option<Path> {
    let first = depends.first()?;
    if let Some(second) = depends.get(1) {
        diagnostics.error(second, "`#[depends]` is given twice: one provider makes the value");
    }
    let path = match &first.meta {
        Meta::List(list) => Path::parse_mod_style.parse2(list.tokens.clone()).ok(),
        Meta::Path(_) | Meta::NameValue(_) => None,
    };
    if path.is_none() {
        diagnostics.error(first, "`#[depends]` names a function under `#[provide]`: `#[depends(database)]`");
    }
    // What is wrong has been reported; as a parameter of another kind it would be reported once more.
    path.or_else(|| Some(local("__nobody").into()))
}

/// Reports what a parameter cannot be, whatever makes it.
pub(crate) fn check(param: &Param<'_>, noun: &str, diagnostics: &mut Diagnostics) {
    attributes(param.syntax, noun, diagnostics);
    impl_trait(&param.syntax.ty, noun, diagnostics);
    if let (true, Some(reference)) = (param.is_provided(), reference(&param.syntax.ty)) {
        if let Some(token) = reference.mutability {
            let message = "what a provider makes is shared: take `&T`, or `T` where nothing else takes it";
            diagnostics.error(token, message);
        }
        if let Some(lifetime) = reference.lifetime.as_ref().filter(|lifetime| lifetime.ident == "static") {
            let message = "leave the lifetime out: what a provider makes is borrowed for the call";
            diagnostics.error(lifetime, message);
        }
    }
}

pub(crate) fn attributes(param: &PatType, noun: &str, diagnostics: &mut Diagnostics) {
    for attribute in &param.attrs {
        let path = attribute.path();
        if path.is_ident("cfg") || path.is_ident("cfg_attr") {
            let message = format!(
                "`#[{}]` cannot stand on a {noun}'s parameter: put it on the whole function",
                path.to_token_stream()
            );
            diagnostics.error(attribute, message);
        }
    }
}

pub(crate) fn impl_trait(ty: &Type, noun: &str, diagnostics: &mut Diagnostics) {
    let inner = reference(ty).map_or(ty, |reference| &reference.elem);
    if let Type::ImplTrait(_) = inner {
        let message = format!(
            "a {noun} cannot be generic: write the type instead of `impl`, since it is registered at link time"
        );
        diagnostics.error(inner, message);
    }
}
