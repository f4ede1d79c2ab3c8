//! The declaration beside the type.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Fields;

use super::model::{Model, Name};
use crate::options::crate_path;
use crate::tokens::{allowed, place};

/// The implementation of `Event`, and the entry in the link table.
pub(crate) fn expand(model: &Model<'_>) -> TokenStream {
    let krate = crate_path(model.args.krate.get());
    let ident = &model.input.ident;
    let type_name = ident.to_string();
    let names: Vec<_> = model.names.iter().map(Name::literal).collect();
    let checks = model.names.iter().map(|name| {
        let literal = name.literal();
        quote_spanned!(name.span=> const _: () = __events::assert_name(#literal);)
    });
    let variant = variant_index(model);
    let (serialize, deserialize) = if model.is_enum() {
        (quote!(SERIALIZE_VARIANT), quote!(DESERIALIZE_VARIANT))
    } else {
        (quote!(SERIALIZE), quote!(DESERIALIZE))
    };
    let place = place();
    let allowed = allowed();
    quote! {
        #[doc(hidden)]
        #allowed
        const _: () = {
            use #krate::__private as __events;
            use __events::Unable as _;

            #(#checks)*

            const __NAMES: &[&::core::primitive::str] = &[#(#names),*];

            static __DECLARATION: __events::EventDecl = __events::EventDecl {
                type_name: #type_name,
                names: __NAMES,
                place: #place,
                type_id: ::core::any::TypeId::of::<#ident>(),
                serialize: __events::Probe::<#ident>::#serialize,
                deserialize: __events::Probe::<#ident>::#deserialize,
                validate: __events::Probe::<#ident>::VALIDATE,
                slot: __events::Slot::new(),
            };

            #[automatically_derived]
            impl __events::Event for #ident {
                const NAMES: &'static [&'static ::core::primitive::str] = __NAMES;

                fn __variant(&self) -> ::core::primitive::usize {
                    #variant
                }

                fn __declaration() -> &'static __events::EventDecl {
                    &__DECLARATION
                }
            }

            __events::inventory::submit!(__events::EventEntry(&__DECLARATION));
        };
    }
}

fn variant_index(model: &Model<'_>) -> TokenStream {
    let arms = model.names.iter().enumerate().filter_map(|(index, name)| {
        let (ident, fields) = name.variant?;
        let pattern = match fields {
            Fields::Named(_) => quote!(Self::#ident { .. }),
            Fields::Unnamed(_) => quote!(Self::#ident(..)),
            Fields::Unit => quote!(Self::#ident),
        };
        Some(quote!(#pattern => #index,))
    });
    if model.is_enum() { quote!(match self { #(#arms)* }) } else { quote!(0) }
}

/// An implementation that keeps the errors of the type's users away: theirs would only repeat what is reported here.
pub(crate) fn fallback(model: &Model<'_>) -> TokenStream {
    let krate = crate_path(model.args.krate.get());
    let ident = &model.input.ident;
    let (generics, arguments, _) = model.input.generics.split_for_impl();
    let allowed = allowed();
    quote! {
        #[doc(hidden)]
        #allowed
        const _: () = {
            use #krate::__private as __events;

            #[automatically_derived]
            impl #generics __events::Event for #ident #arguments
            where
                Self: ::core::marker::Send + ::core::marker::Sync + 'static,
            {
                const NAMES: &'static [&'static ::core::primitive::str] = &[];

                fn __variant(&self) -> ::core::primitive::usize {
                    0
                }

                fn __declaration() -> &'static __events::EventDecl {
                    ::core::unreachable!()
                }
            }
        };
    }
}
