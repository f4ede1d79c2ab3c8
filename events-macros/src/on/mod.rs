//! `#[on(..)]`: arguments, model, checks, expansion.

mod args;
mod check;
mod expand;
mod model;

use proc_macro2::TokenStream;
use quote::quote;

use crate::diagnostics::Diagnostics;
use args::Args;
use model::{Function, Handler};

/// From a function to the function and its registration.
pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let error = model::not_a_function(&item).unwrap_or(error).to_compile_error();
            return quote!(#error #item);
        }
    };
    let mut diagnostics = Diagnostics::new();
    let mut options = Args::default();
    options.read(args, &mut diagnostics);
    for stacked in function.take_stacked() {
        options.read(stacked, &mut diagnostics);
    }
    let handler = Handler::new(&function, &options);
    check::check(&handler, &mut diagnostics);
    let registration = match (diagnostics.finish(), &handler.event) {
        (Some(errors), _) => errors,
        (None, Some(event)) => expand::expand(&handler, event),
        (None, None) => TokenStream::new(),
    };
    quote!(#function #registration)
}
