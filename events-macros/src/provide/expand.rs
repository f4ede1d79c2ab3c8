//! The namesake of the function, and its registration.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned as _;

use super::Provider;
use super::check::refusal;
use crate::tokens::{allowed, beside, compact, duration, local, optional, place};

/// The type that `#[depends(..)]` means: it has the name of the function, which is among the values.
fn namesake(provider: &Provider<'_>) -> TokenStream {
    let visibility = &provider.function.function.visibility;
    let name = &provider.function.function.signature.ident;
    let allowed = allowed();
    quote! {
        #[doc(hidden)]
        #allowed
        #[allow(non_camel_case_types, dead_code)]
        #visibility enum #name {}
    }
}

/// The type, what makes its value, and the entry in the link table.
pub(crate) fn expand(provider: &Provider<'_>) -> TokenStream {
    let name = &provider.function.function.signature.ident;
    let namesake = namesake(provider);
    let value = value(provider);
    let (is_lifespan, is_async) = (provider.args.lifespan.get().is_some(), provider.function.is_async());
    let proofs = is_lifespan.then(|| provider.params.proofs("assert_lifespan"));
    let lives = is_lifespan.then(|| lives(name));
    let owned = provider.params.proofs_of_owned();
    let facts = provider.params.facts();
    let facts = quote_spanned! {name.span()=>
        const FACTS: __events::Facts = __events::Facts::of_provider(#is_lifespan, #is_async, #facts);
    };
    let functions = functions(provider);
    let declaration = declaration(provider);
    let declared = beside(
        provider.args.krate.get(),
        &quote! {
            #proofs
            #owned
            #functions

            static __DECLARATION: __events::ProviderDecl = #declaration;

            #[automatically_derived]
            impl __events::Provider for #name {
                type Value = #value;

                #facts

                fn __declaration() -> &'static __events::ProviderDecl {
                    &__DECLARATION
                }
            }

            #lives

            __events::inventory::submit!(__events::ProviderEntry(&__DECLARATION));
        },
    );
    quote!(#namesake #declared)
}

/// That it is there as long as the lifespan.
fn lives(name: &Ident) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl __events::LifespanProvider for #name {}
    }
}

/// Whether the type after the arrow is written as a `Result`, so that its error keeps the value from being made.
fn is_fallible(provider: &Provider<'_>) -> bool {
    matches!(provider.function.returned(), Some(Type::Path(path))
        if path.path.segments.last().is_some_and(|segment| segment.ident == "Result"))
}

fn value(provider: &Provider<'_>) -> TokenStream {
    let Some(returned) = provider.function.returned() else { return quote!(()) };
    if is_fallible(provider) {
        quote_spanned!(returned.span()=> <#returned as __events::Fallible>::Value)
    } else {
        quote_spanned!(returned.span()=> #returned)
    }
}

fn functions(provider: &Provider<'_>) -> TokenStream {
    let name = &provider.function.function.signature.ident;
    let (context, making, signature) = (local("__context"), local("__making"), local("__signature"));
    let statements = provider.params.statements(&context, &quote!(#making.provided()));
    let arguments = provider
        .params
        .arguments(|ty| quote_spanned!(ty.span()=> <#ty as __events::ProviderParam>::make(&#context, #making)?));
    let answer = if provider.function.is_async() { quote!(.await) } else { TokenStream::new() };
    let called = quote_spanned!(name.span()=> (#name)(#(#arguments),*) #answer);
    let made = match provider.function.returned() {
        Some(returned) if is_fallible(provider) => {
            let answer = Ident::new("__answer", returned.span());
            quote_spanned! {returned.span()=>
                let #answer = #called;
                <#returned as __events::Fallible>::into_value(#answer)
            }
        }
        _ => quote!(::core::result::Result::Ok(#called)),
    };
    let made = quote_spanned!(name.span()=> __events::made::<#name>(async move { #statements #made }));
    let declarations = provider.params.declarations(&signature, &quote!(ProviderParam));
    quote! {
        fn __make<'__a>(
            #context: __events::Context<'__a>,
            #making: &'__a __events::Making<'__a>,
        ) -> __events::Made<'__a> {
            #made
        }

        fn __signature(#signature: &mut __events::Signature) {
            #declarations
        }
    }
}

fn declaration(provider: &Provider<'_>) -> TokenStream {
    let ident = &provider.function.function.signature.ident;
    let name = ident.to_string();
    let value = provider.function.returned().map(compact).unwrap_or_default();
    let timeout = optional(provider.args.timeout.get().map(|(_, timeout)| duration(*timeout)));
    let place = place();
    quote! {
        __events::ProviderDecl {
            site: __events::Site { name: #name, place: #place },
            value: #value,
            facts: <#ident as __events::Provider>::FACTS,
            timeout: #timeout,
            make: __make,
            signature: __signature,
        }
    }
}

/// A type that keeps the errors of those that depend on it away: theirs would only repeat what is reported here.
pub(crate) fn fallback(provider: &Provider<'_>) -> TokenStream {
    let name = &provider.function.function.signature.ident;
    let (namesake, lives) = (namesake(provider), lives(name));
    let is_sound = refusal(provider.function).is_none() && provider.function.is_concrete();
    let value = if is_sound { value(provider) } else { quote!(()) };
    let declared = beside(
        provider.args.krate.get(),
        &quote! {
            #[automatically_derived]
            impl __events::Provider for #name {
                type Value = #value;

                const FACTS: __events::Facts = __events::Facts::of_call([]);

                fn __declaration() -> &'static __events::ProviderDecl {
                    ::core::unreachable!()
                }
            }

            #lives
        },
    );
    quote!(#namesake #declared)
}
