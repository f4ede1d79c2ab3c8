//! `#[provide]`: arguments, checks, expansion.

mod args;
mod check;
mod expand;

use proc_macro2::TokenStream;
use quote::quote;

use crate::diagnostics::Diagnostics;
use crate::function::{Registered, not_a_function};
use crate::params::Params;
use args::Args;

/// A provider: its function, what its attribute says, and what it asks for.
struct Provider<'a> {
    function: &'a Registered,
    args: &'a Args,
    params: Params<'a>,
}

/// From a function to the function, its namesake among the types, and its registration.
pub(crate) fn expand(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut function: Registered = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let error = not_a_function("#[provide]", item).unwrap_or(error).to_compile_error();
            return quote!(#error #item);
        }
    };
    let mut diagnostics = Diagnostics::new();
    let options = Args::new(args, &mut diagnostics);
    for second in function.take_attributes("provide") {
        diagnostics.error(second, "`#[provide]` is given twice: keep the one that says how long the value lives");
    }
    let params = Params::new(function.params(), &mut diagnostics);
    let provider = Provider { function: &function, args: &options, params };
    check::check(&provider, &mut diagnostics);
    let registration = match diagnostics.finish() {
        // In an `impl` there is no place for more than the function.
        Some(errors) if function.is_method() => errors,
        Some(errors) => {
            let fallback = expand::fallback(&provider);
            quote!(#errors #fallback)
        }
        None => expand::expand(&provider),
    };
    quote!(#function #registration)
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
    fn a_type_stands_beside_the_function() {
        let item = quote!(
            pub(crate) fn database(#[depends(url)] url: &str) -> Pool { half. }
        );
        let expansion = text(quote!(), &item);
        assert!(expansion.contains("pub(crate)fn database(url:&str)->Pool{half.}"), "{expansion}");
        assert!(expansion.contains("pub(crate)enum database{}"), "{expansion}");
        assert!(expansion.contains("type Value=Pool;"), "{expansion}");
        assert!(!expansion.contains("depends(url)") && !expansion.contains("compile_error"), "{expansion}");
    }

    #[test]
    fn a_result_is_known_by_its_name() {
        for (returned, value) in [
            (quote!(io::Result<Pool>), "<io::Result<Pool>as __events::Fallible>::Value"),
            (quote!(Opened), "Opened"),
            (quote!(Option<Result<A, B>>), "Option<Result<A, B>>"),
        ] {
            let expansion = text(quote!(lifespan), &quote!(fn database() -> #returned {}));
            assert!(expansion.contains(&format!("type Value={value};")), "{expansion}");
        }
    }

    #[test]
    fn what_depends_on_a_mistake_is_spared() {
        let item = quote!(
            fn database(url: &str) -> Pool {
                open(url)
            }
        );
        let expansion = text(quote!(lifspan), &item);
        assert_eq!(expansion.matches("compile_error").count(), 2, "{expansion}");
        assert!(expansion.contains("impl __events::Provider for database{type Value=Pool;"), "{expansion}");
        assert!(!expansion.contains("submit"), "{expansion}");
    }

    #[test]
    fn a_method_keeps_nothing_but_its_error() {
        for item in [
            quote!(
                fn open(&self) -> Pool {}
            ),
            quote!(
                fn open() -> Result<Self, Error> {}
            ),
        ] {
            let expansion = text(quote!(), &item);
            assert_eq!(expansion.matches("compile_error").count(), 1, "{expansion}");
            assert!(!expansion.contains("enum") && !expansion.contains("const"), "{expansion}");
        }
    }

    #[test]
    fn what_is_lent_is_refused_and_what_is_kept_is_not() {
        let is_refused = |returned: TokenStream| {
            let expansion = text(quote!(), &quote!(fn name(#[depends(url)] url: &str) -> #returned {}));
            expansion.contains("cannot lend")
        };
        assert!(is_refused(quote!(&str)));
        assert!(is_refused(quote!(Result<Option<&str>, Error>)));
        assert!(is_refused(quote!(std::borrow::Cow<'_, str>)));
        assert!(!is_refused(quote!(&'static str)));
        assert!(!is_refused(quote!(Cow<'static, str>)));
        assert!(!is_refused(quote!(Box<dyn Fn(&str) -> &str>)));
    }

    #[test]
    fn a_trait_object_is_borrowed_from_what_holds_it() {
        let item = quote!(
            fn store(#[depends(disk)] disk: &dyn Disk, #[depends(name)] name: &String) -> Store {}
        );
        let expansion = text(quote!(), &item);
        assert_eq!(expansion.matches("__events::Lent(&*__made_0).lend()").count(), 1, "{expansion}");
        assert!(expansion.contains("let __value_1:&String=&*__made_1;"), "{expansion}");
    }
}
