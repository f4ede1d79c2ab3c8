//! `#[timed(..)]`: arguments, checks, expansion.

mod args;
mod check;
mod expand;

use proc_macro2::TokenStream;
use quote::quote;

use crate::diagnostics::Diagnostics;
use crate::function::{Function, not_a_function};
use args::Args;

/// The attribute, as it is written.
const ATTRIBUTE: &str = "#[timed]";

/// From a function to the same function with a timed body.
pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let error = not_a_function(ATTRIBUTE, item).unwrap_or(error).to_compile_error();
            return quote!(#error #item);
        }
    };
    let mut diagnostics = Diagnostics::new();
    let args = Args::read(args, &mut diagnostics);
    check::check(&function, &mut diagnostics);
    match diagnostics.finish() {
        Some(errors) => quote!(#item #errors),
        None => expand::expand(&function, &args),
    }
}

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;
    use quote::quote;

    use super::expand;
    use crate::tokens::compact;

    fn text(args: TokenStream, item: &TokenStream) -> String {
        compact(expand(args, item))
    }

    #[test]
    fn the_signature_stays() {
        let item = quote!(
            /// Feeds.
            #[on("cat-*")]
            pub(crate) async fn feed(&self, #[depends(pool)] pool: &Pool) -> u32 { let x = ; pool. }
        );
        let expansion = text(quote!(), &item);
        let signature = r#"#[on("cat-*")]pub(crate)async fn feed(&self, #[depends(pool)]pool:&Pool)->u32{::events::timed("feed", async move{"#;
        assert!(expansion.contains(signature), "{expansion}");
        assert!(expansion.ends_with("{let x=;pool.}}).await}"), "{expansion}");
    }

    #[test]
    fn results_are_looked_into() {
        let item = quote!(
            fn feed() -> std::io::Result<()> {
                work()
            }
        );
        let expansion = text(quote!("cats", crate = my::facade), &item);
        let body = r#"{my::facade::try_timed_sync("cats", move||->std::io::Result<()>{work()})}"#;
        assert!(expansion.ends_with(body), "{expansion}");
    }

    #[test]
    fn a_type_without_a_name_is_not_repeated() {
        let expansion = text(
            quote!(),
            &quote!(
                fn all() -> Option<impl Iterator> {
                    None
                }
            ),
        );
        assert!(expansion.ends_with("timed_sync(\"all\", move||{None})}"), "{expansion}");
        let expansion = text(
            quote!(),
            &quote!(
                async fn all() -> Option<impl Iterator> {
                    None
                }
            ),
        );
        assert!(!expansion.contains("if false"), "{expansion}");
    }

    #[test]
    fn the_function_outlives_every_mistake() {
        let item = quote!(
            #[timed]
            const fn feed() {
                work()
            }
        );
        let expansion = text(quote!("", nam = "x"), &item);
        assert!(expansion.starts_with("#[timed]const fn feed(){work()}"), "{expansion}");
        assert_eq!(expansion.matches("compile_error").count(), 4, "{expansion}");
    }
}
