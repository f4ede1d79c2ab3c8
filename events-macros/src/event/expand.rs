//! The declaration beside the type.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Fields, Ident};

use super::model::{Field, Key, Model, Name, Variant};
use crate::tokens::{beside, local, optional, place};

/// The implementation of `Event`, and the entry in the link table.
pub(crate) fn expand(model: &Model<'_>) -> TokenStream {
    let ident = &model.input.ident;
    let type_name = ident.to_string();
    let names: Vec<_> = model.variants.iter().map(|variant| variant.name.literal()).collect();
    let checks = name_checks(model);
    let variants = model.variants.iter().map(|variant| declaration(model, variant));
    let index = variant_index(model);
    let wrapped = wrapped(model);
    let validate = validate(model);
    let schema = schema(ident);
    let key = partition_key(model);
    let key_of = optional(key.is_some().then(|| quote!(__events::partition_key::<#ident>)));
    let (serialize, deserialize) = if model.is_enum() {
        (quote!(SERIALIZE_VARIANT), quote!(DESERIALIZE_VARIANT))
    } else {
        (quote!(SERIALIZE), quote!(DESERIALIZE))
    };
    let place = place();
    beside(
        model.args.krate.get(),
        &quote! {
            use __events::Unable as _;

            #checks

            static __DECLARATION: __events::EventDecl = __events::EventDecl {
                type_name: #type_name,
                names: &[#(#names),*],
                variants: &[#(#variants),*],
                place: #place,
                type_id: ::core::any::TypeId::of::<#ident>(),
                serialize: __events::Probe::<#ident>::#serialize,
                deserialize: __events::Probe::<#ident>::#deserialize,
                validate: #validate,
                schema: #schema,
                partition_key: #key_of,
                slot: __events::Slot::new(),
            };

            #[automatically_derived]
            impl __events::Event for #ident {
                const NAMES: &'static [&'static ::core::primitive::str] = &[#(#names),*];

                #index

                #wrapped

                #key

                fn __declaration() -> &'static __events::EventDecl {
                    &__DECLARATION
                }
            }

            __events::inventory::submit!(__events::EventEntry(&__DECLARATION));
        },
    )
}

/// The proofs that names and aliases can be names.
fn name_checks(model: &Model<'_>) -> TokenStream {
    let aliases = model.variants.iter().flat_map(|variant| &model.args_of(variant).aliases).map(Name::given);
    let aliases: Vec<_> = aliases.collect();
    let checks = model.variants.iter().map(|variant| &variant.name).chain(&aliases).map(|name| {
        let literal = name.literal();
        quote_spanned!(name.span=> const _: () = __events::assert_name(#literal);)
    });
    quote!(#(#checks)*)
}

/// What is declared of one name.
fn declaration(model: &Model<'_>, variant: &Variant<'_>) -> TokenStream {
    let args = model.args_of(variant);
    let ident = &model.input.ident;
    let wire = optional(variant.wire.as_ref());
    let aliases = &args.aliases;
    let version = args.version.get().copied().unwrap_or(1);
    let version = u32::try_from(version).unwrap_or(u32::MAX);
    let upgrades = args
        .upgrade
        .get()
        .into_iter()
        .flat_map(|(_, older)| older)
        .map(|older| quote_spanned!(older.span()=> <#older as __events::Older<#ident>>::upgrade));
    let fields = variant.fields.iter().map(|Field { name, wire, flat, secret, .. }| {
        quote!(__events::Field { name: #name, wire: #wire, flat: #flat, secret: #secret })
    });
    let wrapped = match variant.wrapped().map(|field| &field.ty) {
        Some(ty) => quote!(__events::Probe::<#ty>::RULES),
        None => optional(None::<TokenStream>),
    };
    quote! {
        __events::Variant {
            wire: #wire,
            aliases: &[#(#aliases),*],
            version: #version,
            upgrades: &[#(#upgrades),*],
            fields: &[#(#fields),*],
            wrapped: #wrapped,
        }
    }
}

/// How an event is checked. Where no variant wraps a value, the rules of that value need not be looked for.
fn validate(model: &Model<'_>) -> TokenStream {
    let ident = &model.input.ident;
    let own = quote!(__events::Probe::<#ident>::VALIDATE);
    let wrapped = model.variants.iter().filter_map(|variant| Some(&variant.wrapped()?.ty));
    let rules: Vec<_> = wrapped.map(|ty| quote!(__events::Probe::<#ty>::RULES)).collect();
    if rules.is_empty() { own } else { quote!(__events::rules_of::<#ident>(#own, &[#(#rules),*])) }
}

/// What writes the JSON Schema, where the crate can have it written.
fn schema(ident: &Ident) -> TokenStream {
    if cfg!(feature = "schema") { quote!(__events::Probe::<#ident>::SCHEMA) } else { optional(None::<TokenStream>) }
}

/// Which of the variants a value is; a struct has the trait's answer.
fn variant_index(model: &Model<'_>) -> Option<TokenStream> {
    let arms = model.variants.iter().enumerate().filter_map(|(index, variant)| {
        let ident = variant.ident?;
        let pattern = match variant.shape {
            Fields::Named(_) => quote!(Self::#ident { .. }),
            Fields::Unnamed(_) => quote!(Self::#ident(..)),
            Fields::Unit => quote!(Self::#ident),
        };
        Some(quote!(#pattern => #index,))
    });
    let body = model.is_enum().then(|| quote!(match self { #(#arms)* }))?;
    Some(quote! {
        fn __variant(&self) -> ::core::primitive::usize {
            #body
        }
    })
}

/// The way to what newtypes hold, where there is one.
fn wrapped(model: &Model<'_>) -> Option<TokenStream> {
    let inner = local("__inner");
    let patterns: Vec<_> = model
        .variants
        .iter()
        .filter(|variant| variant.wrapped().is_some())
        .map(|variant| {
            let path = variant.ident.map_or(quote!(Self), |ident| quote!(Self::#ident));
            quote!(#path(#inner) => #inner,)
        })
        .collect();
    let others = (patterns.len() < model.variants.len()).then(|| quote!(_ => self,));
    (!patterns.is_empty()).then(|| {
        quote! {
            fn __wrapped(&self) -> &(dyn ::core::any::Any + ::core::marker::Send + ::core::marker::Sync) {
                match self { #(#patterns)* #others }
            }
        }
    })
}

/// The way to the partition key, where a field is one.
fn partition_key(model: &Model<'_>) -> Option<TokenStream> {
    let value = local("__key");
    let arms: Vec<_> = model
        .variants
        .iter()
        .filter_map(|variant| {
            let (_, Key { member, ty, .. }) = variant.keys().next()?;
            let path = variant.ident.map_or(quote!(Self), |ident| quote!(Self::#ident));
            let shown = quote_spanned!(ty.span()=> <#ty as __events::PartitionKey>::shown(#value));
            Some(quote!(#path { #member: #value, .. } => ::core::option::Option::Some(#shown),))
        })
        .collect();
    let others = (arms.len() < model.variants.len()).then(|| quote!(_ => ::core::option::Option::None,));
    (!arms.is_empty()).then(|| {
        quote! {
            fn __partition_key(&self) -> ::core::option::Option<&dyn ::core::fmt::Display> {
                match self { #(#arms)* #others }
            }
        }
    })
}

/// An implementation that keeps the errors of the type's users away: theirs would only repeat what is reported here.
pub(crate) fn fallback(model: &Model<'_>) -> TokenStream {
    let ident = &model.input.ident;
    let (generics, arguments, _) = model.input.generics.split_for_impl();
    beside(
        model.args.krate.get(),
        &quote! {
            #[automatically_derived]
            impl #generics __events::Event for #ident #arguments
            where
                Self: ::core::marker::Send + ::core::marker::Sync + 'static,
            {
                const NAMES: &'static [&'static ::core::primitive::str] = &[];

                fn __declaration() -> &'static __events::EventDecl {
                    ::core::unreachable!()
                }
            }
        },
    )
}
