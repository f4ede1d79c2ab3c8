//! The registration beside the function.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned as _;

use super::model::{EventParam, Handler};
use crate::options::crate_path;
use crate::tokens::{allowed, cfgs, compact, place};

/// The proofs, the call and the entry in the link table.
pub(crate) fn expand(handler: &Handler<'_>, event: &EventParam<'_>) -> TokenStream {
    let krate = crate_path(handler.args.krate.get());
    let cfgs = cfgs(&handler.function.attributes);
    let allowed = allowed();
    let proofs = proofs(handler, event);
    let call = call(handler, event);
    let signature = signature(handler);
    let declaration = declaration(handler, event);
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        #allowed
        const _: () = {
            use #krate::__private as __events;

            #proofs
            #call
            #signature

            __events::inventory::submit!(#declaration);
        };
    }
}

/// The trait that the first parameter's type must implement, with the error at that type.
fn event_trait(event: &EventParam<'_>) -> TokenStream {
    let ty = event.ty();
    match event {
        EventParam::Borrowed(_) => quote_spanned!(ty.span()=> <#ty as __events::EventRef>),
        EventParam::Owned(_) => quote_spanned!(ty.span()=> <#ty as __events::EventArg>),
    }
}

fn proofs(handler: &Handler<'_>, event: &EventParam<'_>) -> TokenStream {
    let name = handler.function.signature.ident.to_string();
    let event_trait = event_trait(event);
    let payload = compact(event.ty());
    let proofs = handler.args.patterns.iter().map(|pattern| {
        quote_spanned! {pattern.span()=>
            const _: () = __events::assert_reachable(#name, #pattern, #payload, #event_trait::NAMES);
        }
    });
    quote!(#(#proofs)*)
}

fn call(handler: &Handler<'_>, event: &EventParam<'_>) -> TokenStream {
    let name = &handler.function.signature.ident;
    let event_trait = event_trait(event);
    let first = quote_spanned!(event.ty().span()=> #event_trait::from_context(&__context)?);
    let others = handler.others.iter().map(|param| {
        let ty = &param.ty;
        quote_spanned!(ty.span()=> <#ty as __events::FromContext>::__make(&__context)?)
    });
    let finish = {
        let returned = returned(handler);
        quote_spanned!(returned.span()=> <#returned as __events::IntoEvents>::finish)
    };
    let arguments = quote!(#first #(, #others)*);
    if handler.is_async() {
        let running = quote_spanned! {name.span()=>
            __events::running(async move { #finish(#name(#arguments).await) })
        };
        quote! {
            fn __call<'__a>(__context: __events::Context<'__a>) -> __events::Running<'__a> {
                #running
            }
        }
    } else {
        quote! {
            fn __call(__context: __events::Context<'_>) -> __events::Outcome {
                #finish(#name(#arguments))
            }
        }
    }
}

fn returned(handler: &Handler<'_>) -> TokenStream {
    handler.returned().map_or_else(|| quote!(()), |ty: &Type| quote!(#ty))
}

/// What can be said of the handler without running it.
fn signature(handler: &Handler<'_>) -> TokenStream {
    let returned = returned(handler);
    let returned = quote_spanned!(returned.span()=> <#returned as __events::IntoEvents>::declare(__signature););
    let others = handler.others.iter().map(|param| {
        let ty = &param.ty;
        quote_spanned!(ty.span()=> <#ty as __events::FromContext>::declare(__signature);)
    });
    quote! {
        fn __signature(__signature: &mut __events::Signature) {
            #returned
            #(#others)*
        }
    }
}

fn declaration(handler: &Handler<'_>, event: &EventParam<'_>) -> TokenStream {
    let args = handler.args;
    let name = handler.function.signature.ident.to_string();
    let place = place();
    let payload = match event {
        EventParam::Borrowed(reference) => compact(reference),
        EventParam::Owned(ty) => compact(ty),
    };
    let patterns = if args.takes_all { &[][..] } else { &args.patterns };
    let order = args.order.get().copied().unwrap_or_default();
    let timeout = match args.timeout.get() {
        Some((_, timeout)) => {
            let (seconds, nanoseconds) = (timeout.as_secs(), timeout.subsec_nanos());
            quote!(::core::option::Option::Some(::core::time::Duration::new(#seconds, #nanoseconds)))
        }
        None => quote!(::core::option::Option::None),
    };
    let call = match (handler.is_async(), args.now.get(), args.blocking.get()) {
        (true, ..) => quote!(Async),
        (_, Some(_), _) => quote!(Now),
        (_, _, Some(_)) => quote!(Blocking),
        _ => quote!(Sync),
    };
    let event_trait = event_trait(event);
    let bare = handler.others.is_empty();
    quote! {
        __events::HandlerDecl {
            name: #name,
            place: #place,
            payload: #payload,
            patterns: &[#(#patterns),*],
            accepts: #event_trait::ACCEPTS,
            shared: #event_trait::SHARED,
            bare: #bare,
            order: #order,
            timeout: #timeout,
            call: __events::Call::#call(__call),
            signature: __signature,
        }
    }
}
