//! The registration beside the function.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned as _;

use super::args::Args;
use super::model::{EventParam, Handler};
use crate::tokens::{beside, compact, duration, local, optional, place};

/// The proofs, the call and the entry in the link table.
pub(crate) fn expand(handler: &Handler<'_>) -> TokenStream {
    let proofs = handler.event.as_ref().map(|event| proofs(handler, event));
    let Calls { functions, chosen } = calls(handler);
    let (signature, signed) = signature(handler);
    let declaration = declaration(handler, &chosen, &signed);
    beside(
        handler.args.krate.get(),
        &quote! {
            #proofs
            #functions
            #signature

            __events::inventory::submit!(#declaration);
        },
    )
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
    let name = handler.function.function.signature.ident.to_string();
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

/// The ways to call the handler, and the choice among them.
struct Calls {
    functions: TokenStream,
    chosen: TokenStream,
}

fn calls(handler: &Handler<'_>) -> Calls {
    let mode = match (handler.function.is_async(), handler.args.now.get(), handler.args.blocking.get()) {
        (true, ..) => quote!(Async),
        (_, Some(_), _) => quote!(Now),
        (_, _, Some(_)) => quote!(Blocking),
        _ => quote!(Sync),
    };
    if handler.others.has_providers() {
        return depending(handler, &mode, &called(handler));
    }
    let (context, called) = (local("__context"), called(handler));
    let functions = if handler.function.is_async() {
        let running = handler.borrowed_alone().map_or_else(
            || running(handler, &called),
            |event| {
                let call = |taken: &Ident| running(handler, &answered(handler, &[taken.to_token_stream()]));
                with_event(event, call, &quote!(failed))
            },
        );
        quote! {
            fn __call<'__a>(#context: __events::Context<'__a>) -> __events::Running<'__a> {
                #running
            }
        }
    } else {
        quote! {
            fn __call(#context: __events::Context<'_>) -> __events::Outcome {
                #called
            }
        }
    };
    Calls { functions, chosen: quote!(__events::Call::#mode(__call)) }
}

/// A handler that has to wait for providers, unless all of what they make has been made with the lifespan.
fn depending(handler: &Handler<'_>, mode: &TokenStream, called: &TokenStream) -> Calls {
    let name = &handler.function.function.signature.ident;
    let (context, provided) = (local("__context"), local("__provided"));
    let statements = handler.others.statements(&context, &quote!(#provided));
    let facts = handler.others.facts();
    let running = quote_spanned!(name.span()=> __events::running(__body(#context, #provided)));
    let at_once = handler.args.now.get().map(|_| handler.others.proofs("assert_at_once"));
    let owned = handler.others.proofs_of_owned();
    let functions = quote! {
        const __FACTS: __events::Facts = __events::Facts::of_call(#facts);
        #at_once
        #owned

        async fn __body(
            #context: __events::Context<'_>,
            #provided: ::core::option::Option<&__events::Provided>,
        ) -> __events::Outcome {
            #statements
            #called
        }

        fn __with<'__a>(
            #context: __events::Context<'__a>,
            #provided: ::core::option::Option<&'__a __events::Provided>,
        ) -> __events::Running<'__a> {
            #running
        }
    };
    if handler.function.is_async() {
        let chosen = quote!(__events::Call::With { call: __with, per_call: __FACTS.per_call, is_async: true });
        return Calls { functions, chosen };
    }
    let wait = if handler.args.blocking.get().is_some() { quote!(block_with) } else { quote!(once_with) };
    let sync = quote! {
        fn __call(#context: __events::Context<'_>) -> __events::Outcome {
            if __FACTS.per_call {
                __events::#wait(#context, __with)
            } else {
                __events::at_once(__body(#context, ::core::option::Option::None))
            }
        }
    };
    let chosen = if handler.args.now.get().or(handler.args.blocking.get()).is_some() {
        quote!(__events::Call::#mode(__call))
    } else {
        quote!(__events::Call::in_place(__call, __with, __FACTS.per_call))
    };
    Calls { functions: quote!(#functions #sync), chosen }
}

/// A call that goes on; an error of its future is one at the function's name.
fn running(handler: &Handler<'_>, called: &TokenStream) -> TokenStream {
    let name = &handler.function.function.signature.ident;
    quote_spanned!(name.span()=> __events::running(async move { #called }))
}

/// The call of the function with all its parameters, as an outcome.
fn called(handler: &Handler<'_>) -> TokenStream {
    let context = local("__context");
    let others =
        handler.others.arguments(|ty| quote_spanned!(ty.span()=> <#ty as __events::FromContext>::__make(&#context)?));
    let Some(event) = &handler.event else { return answered(handler, &others) };
    let call = |taken: &Ident| {
        let arguments: Vec<_> = std::iter::once(taken.to_token_stream()).chain(others).collect();
        answered(handler, &arguments)
    };
    with_event(event, call, &quote!(Err))
}

/// What is done with the event, or with the error where there is none. The error is the handler's already: a `?` would have the
/// compiler look for what converts it, in every handler.
fn with_event(event: &EventParam<'_>, call: impl FnOnce(&Ident) -> TokenStream, failed: &TokenStream) -> TokenStream {
    let (context, taken, error) = (local("__context"), local("__event"), local("__error"));
    let event_trait = event_trait(event);
    let event = quote_spanned!(event.ty().span()=> #event_trait::from_context(&#context));
    let call = call(&taken);
    quote! {
        match #event {
            __events::Ok(#taken) => #call,
            __events::Err(#error) => __events::#failed(#error),
        }
    }
}

/// The call of the function, and what becomes of its answer.
fn answered(handler: &Handler<'_>, arguments: &[TokenStream]) -> TokenStream {
    let name = &handler.function.function.signature.ident;
    let answer = handler.function.is_async().then(|| quote!(.await));
    let returned = returned(handler);
    let finish = quote_spanned!(returned.span()=> <#returned as __events::IntoEvents>::finish);
    quote!(#finish((#name)(#(#arguments),*) #answer))
}

fn returned(handler: &Handler<'_>) -> TokenStream {
    handler.function.returned().map_or_else(|| quote!(()), |ty: &Type| quote!(#ty))
}

/// What can be said of the handler without running it: a function, and its name. Where the event is the only parameter, what is
/// returned says it all.
fn signature(handler: &Handler<'_>) -> (TokenStream, TokenStream) {
    let signature = local("__signature");
    let returned = returned(handler);
    let returned = quote_spanned!(returned.span()=> <#returned as __events::IntoEvents>::declare);
    if handler.others.0.is_empty() {
        return (TokenStream::new(), returned);
    }
    let others = handler.others.declarations(&signature, &quote!(FromContext));
    let function = quote! {
        fn __signature(#signature: &mut __events::Signature) {
            #returned(#signature);
            #others
        }
    };
    (function, quote!(__signature))
}

fn declaration(handler: &Handler<'_>, call: &TokenStream, signature: &TokenStream) -> TokenStream {
    let args = handler.args;
    let function = &handler.function.function.signature.ident;
    let name = function.to_string();
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
    let batch = optional(batch(args));
    let (accepts, shared) = accepts(handler);
    let bare = handler.others.0.is_empty();
    quote! {
        __events::HandlerDecl {
            id: __events::id_of(&#function),
            site: __events::Site { name: #name, place: #place },
            payload: #payload,
            patterns: &[#(#patterns),*],
            accepts: #accepts,
            shared: #shared,
            bare: #bare,
            order: #order,
            timeout: #timeout,
            group: #group,
            batch: #batch,
            call: #call,
            signature: #signature,
        }
    }
}

/// How a handler of batches collects them.
fn batch(args: &Args) -> Option<TokenStream> {
    let ((_, size), (_, within)) = (args.batch.get()?, args.within.get()?);
    let within = duration(*within);
    let concurrency = args.concurrency.get().map_or(1, |(_, concurrency)| *concurrency);
    Some(quote!(__events::BatchLimits { size: #size, within: #within, concurrency: #concurrency }))
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
