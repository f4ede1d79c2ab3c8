//! The registration beside the function.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned as _;

use super::model::{EventParam, Handler};
use crate::options::crate_path;
use crate::tokens::{allowed, compact, local, place};

/// The proofs, the call and the entry in the link table.
pub(crate) fn expand(handler: &Handler<'_>) -> TokenStream {
    let krate = crate_path(handler.args.krate.get());
    let allowed = allowed();
    let proofs = handler.event.as_ref().map(|event| proofs(handler, event));
    let call = call(handler);
    let signature = signature(handler);
    let declaration = declaration(handler);
    quote! {
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
    let span = event.ty().span();
    let about = match handler.args.moment.get() {
        Some(_) => quote_spanned!(span=> assert_takes_failures),
        None => quote_spanned!(span=> assert_takes_events),
    };
    let about = quote_spanned!(span=> const _: () = __events::#about(#event_trait::ACCEPTS););
    let proofs = handler.args.patterns.iter().map(|pattern| {
        quote_spanned! {pattern.span()=>
            const _: () = __events::assert_reachable(#name, #pattern, #payload, #event_trait::NAMES);
        }
    });
    quote!(#about #(#proofs)*)
}

fn call(handler: &Handler<'_>) -> TokenStream {
    let name = &handler.function.signature.ident;
    let context = local("__context");
    let first = handler.event.iter().map(|event| {
        let event_trait = event_trait(event);
        quote_spanned!(event.ty().span()=> #event_trait::from_context(&#context)?)
    });
    let others = handler.others.iter().map(|param| {
        let ty = &param.ty;
        quote_spanned!(ty.span()=> <#ty as __events::FromContext>::__make(&#context)?)
    });
    let finish = {
        let returned = returned(handler);
        quote_spanned!(returned.span()=> <#returned as __events::IntoEvents>::finish)
    };
    let arguments = first.chain(others);
    let arguments = quote!(#(#arguments),*);
    if handler.is_async() {
        let running = quote_spanned! {name.span()=>
            __events::running(async move { #finish(#name(#arguments).await) })
        };
        quote! {
            fn __call<'__a>(#context: __events::Context<'__a>) -> __events::Running<'__a> {
                #running
            }
        }
    } else {
        quote! {
            fn __call(#context: __events::Context<'_>) -> __events::Outcome {
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
    let signature = local("__signature");
    let returned = returned(handler);
    let returned = quote_spanned!(returned.span()=> <#returned as __events::IntoEvents>::declare(#signature););
    let others = handler.others.iter().map(|param| {
        let ty = &param.ty;
        quote_spanned!(ty.span()=> <#ty as __events::FromContext>::declare(#signature);)
    });
    quote! {
        fn __signature(#signature: &mut __events::Signature) {
            #returned
            #(#others)*
        }
    }
}

fn declaration(handler: &Handler<'_>) -> TokenStream {
    let args = handler.args;
    let name = handler.function.signature.ident.to_string();
    let place = place();
    let payload = match &handler.event {
        Some(EventParam::Borrowed(reference)) => compact(reference),
        Some(EventParam::Owned(ty)) => compact(ty),
        None => String::new(),
    };
    let patterns = if args.takes_all { &[][..] } else { &args.patterns };
    let order = args.order.get().copied().unwrap_or_default();
    let timeout = optional(args.timeout.get().map(|(_, timeout)| duration(*timeout)));
    let group = optional(args.group.get().map(ToTokens::to_token_stream));
    let call = match (handler.is_async(), args.now.get(), args.blocking.get()) {
        (true, ..) => quote!(Async),
        (_, Some(_), _) => quote!(Now),
        (_, _, Some(_)) => quote!(Blocking),
        _ => quote!(Sync),
    };
    let (accepts, shared) = accepts(handler);
    let bare = handler.others.is_empty();
    quote! {
        __events::HandlerDecl {
            site: __events::Site { name: #name, place: #place },
            payload: #payload,
            patterns: &[#(#patterns),*],
            accepts: #accepts,
            shared: #shared,
            bare: #bare,
            order: #order,
            timeout: #timeout,
            group: #group,
            call: __events::Call::#call(__call),
            signature: __signature,
        }
    }
}

/// What the function is called for, and whether it keeps the payload.
fn accepts(handler: &Handler<'_>) -> (TokenStream, TokenStream) {
    if let Some(event) = &handler.event {
        let event_trait = event_trait(event);
        return (quote!(#event_trait::ACCEPTS), quote!(#event_trait::SHARED));
    }
    let accepts = match (handler.args.moment.get(), handler.args.interval) {
        (Some(moment), _) if moment == "startup" => quote!(__events::Accepts::Moment(__events::Moment::Startup)),
        (None, Some(interval)) => {
            let interval = duration(interval);
            let max = handler.args.max.get().copied().unwrap_or(1);
            quote!(__events::Accepts::Tick(__events::Schedule { interval: #interval, max: #max }))
        }
        _ => quote!(__events::Accepts::Moment(__events::Moment::Shutdown)),
    };
    (accepts, quote!(false))
}

fn duration(duration: Duration) -> TokenStream {
    let (seconds, nanoseconds) = (duration.as_secs(), duration.subsec_nanos());
    quote!(::core::time::Duration::new(#seconds, #nanoseconds))
}

fn optional(value: Option<TokenStream>) -> TokenStream {
    value.map_or(quote!(::core::option::Option::None), |value| quote!(::core::option::Option::Some(#value)))
}
