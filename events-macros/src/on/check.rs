//! What a function must be to be a handler.

use quote::ToTokens;
use syn::{FnArg, PatType, Safety, Signature, Type};

use super::args::Attribute;
use super::model::{EventParam, Handler};
use crate::diagnostics::Diagnostics;

/// Reports everything that keeps the function from being a handler.
pub(crate) fn check(handler: &Handler<'_>, diagnostics: &mut Diagnostics) {
    signature(&handler.function.signature, diagnostics);
    modes(handler, diagnostics);
    hook(handler, diagnostics);
    if handler.is_about_something() {
        event(handler, diagnostics);
    }
    for attribute in &handler.function.depends {
        diagnostics.error(attribute, "`#[depends]` is not built yet: this version of `events` injects `State<T>` and types that implement `FromContext`");
    }
    for param in &handler.others {
        attributes(param, diagnostics);
        impl_trait(&param.ty, diagnostics);
        if handler.function.depends.is_empty() {
            by_value(handler, &param.ty, diagnostics);
        }
    }
    if let Some(Type::ImplTrait(returned)) = handler.returned() {
        let message = "a handler must name the type that it returns: the catalog shows what it emits; write an `async fn` instead of returning a future";
        diagnostics.error(returned, message);
    }
}

fn signature(signature: &Signature, diagnostics: &mut Diagnostics) {
    if let Safety::Unsafe(token) = &signature.safety {
        diagnostics.error(token, "a handler cannot be `unsafe`: nobody stands there to promise what it asks for");
    }
    if let Some(variadic) = &signature.variadic {
        diagnostics.error(variadic, "a handler cannot be variadic");
    }
    if let Some(FnArg::Receiver(receiver)) = signature.inputs.first() {
        let message = "a handler cannot take `self`: it is called without a value of its type; write a function that asks for the value as `State<T>`";
        diagnostics.error(receiver, message);
    }
    for param in &signature.generics.params {
        let message = match param {
            syn::GenericParam::Lifetime(_) => {
                "a handler cannot name lifetimes: leave them out, `&E` borrows for the call"
            }
            _ => {
                "a handler cannot be generic: it is registered at link time, when nothing has chosen the parameter; take `&AnyEvent` or `View<T>` to receive several types"
            }
        };
        diagnostics.error(param, message);
    }
    if let (Some(clause), true) = (&signature.generics.where_clause, signature.generics.params.is_empty()) {
        diagnostics.error(clause, "a handler cannot have a `where` clause");
    }
}

fn modes(handler: &Handler<'_>, diagnostics: &mut Diagnostics) {
    let args = handler.args;
    let modes = [args.now.get(), args.blocking.get()];
    if let [Some(_), Some(blocking)] = modes {
        diagnostics.error(
            blocking,
            "`now` and `blocking` exclude each other: the one runs inside the dispatch, the other on another thread",
        );
    }
    if handler.is_async() {
        for mode in modes.into_iter().flatten() {
            let message =
                format!("`{mode}` is for a `fn`: remove `async` from the function, or `{mode}` from the attribute");
            diagnostics.error(mode, message);
        }
    } else if let (Some((name, _)), None) = (args.timeout.get(), args.blocking.get()) {
        let message = "a `timeout` cannot interrupt a `fn` that runs in place: make it an `async fn`, or `blocking`";
        diagnostics.error(name, message);
    }
}

fn event(handler: &Handler<'_>, diagnostics: &mut Diagnostics) {
    let signature = &handler.function.signature;
    let Some(FnArg::Typed(first)) = signature.inputs.first() else {
        if signature.inputs.is_empty() {
            let name = &signature.ident;
            let message = match handler.args.moment.get() {
                Some(_) => format!("a failure hook needs the failure: write `fn {name}(failure: &Failure)`"),
                None => format!(
                    "a handler needs an event: write `fn {name}(event: &MyEvent)`, or `&AnyEvent` for every event"
                ),
            };
            diagnostics.error(name, message);
        }
        return;
    };
    attributes(first, diagnostics);
    impl_trait(&first.ty, diagnostics);
    match &handler.event {
        Some(EventParam::Borrowed(reference)) => {
            if let Some(token) = reference.mutability {
                let message = "a handler cannot change its event: the payload is shared with the other handlers; take `&E`, or `E` where `E: Clone`, and dispatch a new event";
                diagnostics.error(token, message);
            }
            if let (Some(lifetime), None) = (&reference.lifetime, signature.generics.lifetimes().next()) {
                diagnostics.error(
                    lifetime,
                    "leave the lifetime out: the event is borrowed for the call, use `Arc<E>` to keep it",
                );
            }
        }
        Some(EventParam::Owned(ty)) if is_named(ty, "Batch") => {
            diagnostics.error(ty, "`Batch` is not built yet: this version of `events` calls handlers with one event");
        }
        _ => {}
    }
}

fn is_named(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == name))
}

fn attributes(param: &PatType, diagnostics: &mut Diagnostics) {
    for attribute in &param.attrs {
        let path = attribute.path();
        if path.is_ident("cfg") || path.is_ident("cfg_attr") {
            let message = format!(
                "`#[{}]` cannot stand on a handler's parameter: put it on the whole function",
                path.to_token_stream()
            );
            diagnostics.error(attribute, message);
        }
    }
}

/// What a function may not say that is called without an event.
fn hook(handler: &Handler<'_>, diagnostics: &mut Diagnostics) {
    let args = handler.args;
    if handler.attribute == Attribute::Every && args.interval.is_none() {
        let message = "`#[every]` needs an interval: `#[every(\"5s\")]`";
        diagnostics.error(&handler.function.signature.ident, message);
    }
    if let Some(moment) = args.moment.get() {
        if let Some(pattern) = args.patterns.first() {
            let message =
                format!("`{moment}` is a moment of the lifespan, which has no events to match: leave the pattern out");
            diagnostics.error(pattern, message);
        }
        if let Some(now) = args.now.get() {
            diagnostics.error(now, format!("`now` belongs to a dispatch, and `{moment}` has none: leave it out"));
        }
    }
}

fn by_value(handler: &Handler<'_>, ty: &Type, diagnostics: &mut Diagnostics) {
    if let Type::Reference(reference) = ty {
        if !handler.is_about_something() {
            let message = "there is no event here: take parameters by value, as `State<T>`, `Lifespan` or a type that implements `FromContext`";
            return diagnostics.error(reference, message);
        }
        let message = "only the event, which comes first, is borrowed: take the other parameters by value, as `State<T>`, `Lifespan`, `Metadata`, `Emit<(A, B)>` or a type that implements `FromContext`";
        diagnostics.error(reference, message);
    }
}

fn impl_trait(ty: &Type, diagnostics: &mut Diagnostics) {
    let inner = if let Type::Reference(reference) = ty { &reference.elem } else { ty };
    if let Type::ImplTrait(_) = inner {
        diagnostics.error(
            inner,
            "a handler cannot be generic: write the type instead of `impl`, since it is registered at link time",
        );
    }
}
