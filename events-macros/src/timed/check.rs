//! What a function must be to be timed.

use quote::ToTokens as _;
use syn::Attribute;

use crate::diagnostics::Diagnostics;
use crate::function::Function;

/// Reports everything that keeps the function from being timed.
pub(super) fn check(function: &Function, diagnostics: &mut Diagnostics) {
    let signature = &function.signature;
    if let Some(token) = &signature.constness {
        let message =
            "a `const fn` cannot be timed, since the compiler has no clock: remove `const`, or time its callers";
        diagnostics.error(token, message);
    }
    if function.body.to_string() == ";" {
        let message = "there is no body to time: put `#[timed]` on the function that has one";
        diagnostics.error(&signature.ident, message);
    }
    for attribute in function.attributes.iter().filter(|attribute| is_timed(attribute)) {
        let message =
            "`#[timed]` is given twice: keep one, and time parts of the body with `timed(\"..\", async { .. })`";
        diagnostics.error(attribute, message);
    }
}

fn is_timed(attribute: &Attribute) -> bool {
    ["timed", "events :: timed"].contains(&attribute.path().to_token_stream().to_string().as_str())
}
