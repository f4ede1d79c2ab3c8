//! `#[derive(Event)]`: arguments, model, checks, expansion.

mod args;
mod check;
mod expand;
mod model;

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::diagnostics::Diagnostics;

/// From a type to its declaration.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let mut diagnostics = Diagnostics::new();
    let model = model::Model::new(&input, &mut diagnostics);
    check::check(&model, &mut diagnostics);
    match diagnostics.finish() {
        Some(errors) => {
            let fallback = expand::fallback(&model);
            quote::quote!(#errors #fallback)
        }
        None => expand::expand(&model),
    }
}
