//! What a function must be to be a handler.

use syn::{FnArg, Type};

use super::args::Attribute;
use super::model::{EventParam, Handler};
use crate::diagnostics::Diagnostics;
use crate::params;

/// Reports everything that keeps the function from being a handler.
pub(crate) fn check(handler: &Handler<'_>, diagnostics: &mut Diagnostics) {
    handler.function.check("handler", diagnostics);
    modes(handler, diagnostics);
    hook(handler, diagnostics);
    if handler.is_about_something() {
        event(handler, diagnostics);
    }
    batch(handler, diagnostics);
    for param in &handler.others.0 {
        params::check(param, "handler", diagnostics);
        if !param.is_provided() {
            by_value(handler, &param.syntax.ty, diagnostics);
        }
    }
    if let Some(Type::ImplTrait(returned)) = handler.function.returned() {
        let message = "a handler must name the type that it returns: the catalog shows what it emits; write an `async fn` instead of returning a future";
        diagnostics.error(returned, message);
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
    if handler.function.is_async() {
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
    let signature = &handler.function.function.signature;
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
    params::attributes(first, "handler", diagnostics);
    params::impl_trait(&first.ty, "handler", diagnostics);
    if let Some(EventParam::Borrowed(reference)) = &handler.event {
        if let Some(token) = reference.mutability {
            let message = "a handler cannot change its event: the payload is shared with the other handlers; take `&E`, or `E` where `E: Clone`, and dispatch a new event";
            diagnostics.error(token, message);
        }
        if let (Some(lifetime), None) = (&reference.lifetime, signature.generics.lifetimes().next()) {
            diagnostics
                .error(lifetime, "leave the lifetime out: the event is borrowed for the call, use `Arc<E>` to keep it");
        }
    }
}

/// Whether the limits of a batch and the parameter that takes it are both there.
fn batch(handler: &Handler<'_>, diagnostics: &mut Diagnostics) {
    let args = handler.args;
    let taken = match &handler.event {
        Some(EventParam::Owned(ty)) if is_named(ty, "Batch") => Some(*ty),
        _ => None,
    };
    match (args.batch.get(), args.within.get(), taken) {
        (None, within, taken) => {
            if let Some(ty) = taken {
                let message = "a batch needs its limits: write `#[on(.., batch = 100, within = \"500ms\")]`";
                diagnostics.error(ty, message);
            } else if let Some((name, _)) = within {
                diagnostics.error(name, "`within` belongs to a batch: write `batch = 100` beside it");
            }
            if let Some((name, _)) = args.concurrency.get() {
                diagnostics.error(name, "`concurrency` is that of batches: write `batch = 100` beside it");
            }
        }
        (Some((name, _)), None, _) => {
            let message =
                "`batch` needs to know how long the oldest event may wait: write `within = \"500ms\"` beside it";
            diagnostics.error(name, message);
        }
        (Some((name, _)), Some(_), None) => {
            diagnostics.error(name, "`batch` collects events: take them as `Batch<E>` in the first parameter");
        }
        (Some(_), Some(_), Some(_)) => {}
    }
    if let (Some((name, _)), Some(_)) = (args.batch.get(), args.now.get()) {
        diagnostics.error(name, "a `now` handler runs inside the dispatch, and cannot wait for a `batch`");
    }
}

fn is_named(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == name))
}

/// What a function may not say that is called without an event.
fn hook(handler: &Handler<'_>, diagnostics: &mut Diagnostics) {
    let args = handler.args;
    if handler.attribute == Attribute::Every && args.interval.is_none() {
        let message = "`#[every]` needs an interval: `#[every(\"5s\")]`";
        diagnostics.error(&handler.function.function.signature.ident, message);
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
    if let Some(reference) = params::reference(ty) {
        if !handler.is_about_something() {
            let message = "there is no event here: take parameters by value, as `State<T>`, `Lifespan` or a type that implements `FromContext`, or name what makes them with `#[depends(..)]`";
            return diagnostics.error(reference, message);
        }
        let message = "only the event, which comes first, and what `#[depends(..)]` names are borrowed: take the other parameters by value, as `State<T>`, `Lifespan`, `Metadata`, `Emit<(A, B)>` or a type that implements `FromContext`";
        diagnostics.error(reference, message);
    }
}
