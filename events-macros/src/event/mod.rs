//! `#[derive(Event)]`: arguments, model, checks, expansion.

mod args;
mod check;
mod expand;
mod model;
mod serde;

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

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;
    use quote::quote;

    use super::expand;
    use crate::tokens::compact;

    /// The names in an expansion.
    fn names(input: TokenStream) -> String {
        let expansion = compact(expand(input));
        let names =
            expansion.split_once("const NAMES:&'static[&'static::core::primitive::str]=&[").map(|(_, rest)| rest);
        names.and_then(|rest| rest.split_once(']')).map_or(expansion.clone(), |(names, _)| names.to_owned())
    }

    #[test]
    fn default_names_are_kebab_case() {
        assert_eq!(
            names(quote!(
                struct CatRequestedAFish;
            )),
            r#""cat-requested-a-fish""#
        );
        assert_eq!(
            names(quote!(
                struct HTTPRequest2Failed {
                    a: u8,
                }
            )),
            r#""http-request2-failed""#
        );
        assert_eq!(
            names(quote!(
                struct r#Move(u8);
            )),
            r#""move""#
        );
        assert_eq!(
            names(quote!(
                struct ÄpfelGefallen;
            )),
            r#""äpfel-gefallen""#
        );
    }

    #[test]
    fn variants_have_the_prefix_or_a_name_of_their_own() {
        let input = quote! {
            #[event(prefix = "user.")]
            enum User { SignedUp, #[event(name = "gone")] Deleted { at: u8 }, Moved(u8) }
        };
        assert_eq!(names(input), r#""user.signed-up", "gone", "user.moved""#);
        assert_eq!(
            names(quote!(
                enum User {
                    SignedUp,
                }
            )),
            r#""signed-up""#
        );
    }

    #[test]
    fn a_mistake_leaves_an_implementation_behind() {
        let expansion = compact(expand(quote!(
            struct CatFed<'a, T: Clone>(&'a T);
        )));
        assert_eq!(expansion.matches("compile_error").count(), 2, "{expansion}");
        assert!(expansion.contains("impl<'a, T:Clone>__events::Event for CatFed<'a, T>"), "{expansion}");
    }
}
