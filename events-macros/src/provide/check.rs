//! What a function must be to be a provider.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{GenericArgument, Lifetime, PathArguments, Type};

use super::Provider;
use crate::diagnostics::Diagnostics;
use crate::function::Registered;
use crate::params;

/// Reports everything that keeps the function from being a provider.
pub(crate) fn check(provider: &Provider<'_>, diagnostics: &mut Diagnostics) {
    let function = provider.function;
    function.check("provider", diagnostics);
    for param in &provider.params.0 {
        params::check(param, "provider", diagnostics);
        if let (false, Some(reference)) = (param.is_provided(), params::reference(&param.syntax.ty)) {
            let message = "only what `#[depends(..)]` names is borrowed: take the other parameters by value, as `State<T>`, `Lifespan`, `Metadata`, `Teardown` or a type that implements `FromContext`";
            diagnostics.error(reference, message);
        }
    }
    if let (true, Some((at, message))) = (function.is_concrete(), refusal(function)) {
        diagnostics.error(at, message);
    }
    if let (false, Some((name, _))) = (function.is_async(), provider.args.timeout.get()) {
        diagnostics.error(name, "a `timeout` cannot interrupt a `fn`: make it an `async fn`");
    }
}

/// What is wrong with the type after the arrow, and where.
pub(crate) fn refusal(function: &Registered) -> Option<(TokenStream, &'static str)> {
    let Some(returned) = function.returned() else {
        let message = "a provider makes a value: write its type after an arrow, as `T` or as `Result<T, E>`";
        return Some((function.function.signature.ident.to_token_stream(), message));
    };
    refusal_of(returned)
}

const LENDS: &str =
    "a provider cannot lend what it makes: return the value itself, which is kept for the time that it is needed";

/// The same for a type and for those in its brackets.
fn refusal_of(ty: &Type) -> Option<(TokenStream, &'static str)> {
    let borrows = |lifetime: &Lifetime| lifetime.ident != "static";
    match ty {
        Type::ImplTrait(_) => {
            let message = "a provider must name the type that it makes: others take it by that type";
            Some((ty.to_token_stream(), message))
        }
        Type::Reference(reference) if reference.lifetime.as_ref().is_none_or(borrows) => {
            Some((ty.to_token_stream(), LENDS))
        }
        Type::Path(path) => {
            let PathArguments::AngleBracketed(brackets) = &path.path.segments.last()?.arguments else { return None };
            brackets.args.iter().find_map(|argument| match argument {
                GenericArgument::Type(ty) => refusal_of(ty),
                GenericArgument::Lifetime(lifetime) if borrows(lifetime) => Some((lifetime.to_token_stream(), LENDS)),
                _ => None,
            })
        }
        _ => None,
    }
}
