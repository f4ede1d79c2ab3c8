//! `#[on(..)]` and `#[every(..)]`: arguments, model, checks, expansion.

mod args;
mod check;
mod expand;
mod model;

use proc_macro2::TokenStream;
use quote::quote;

use crate::diagnostics::Diagnostics;
use crate::function::{Registered, not_a_function};
use args::Args;
pub(crate) use args::Attribute;
use model::{Handler, take_stacked};

/// From a function to the function and its registration.
pub(crate) fn expand(attribute: Attribute, args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut function: Registered = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let error = not_a_function(attribute.text(), item).unwrap_or(error).to_compile_error();
            return quote!(#error #item);
        }
    };
    let mut diagnostics = Diagnostics::new();
    let mut options = Args::default();
    options.read(attribute, args, &mut diagnostics);
    for stacked in take_stacked(&mut function, attribute) {
        options.read(attribute, stacked, &mut diagnostics);
    }
    let handler = Handler::new(attribute, &function, &options, &mut diagnostics);
    check::check(&handler, &mut diagnostics);
    let registration = diagnostics.finish().unwrap_or_else(|| expand::expand(&handler));
    quote!(#function #registration)
}

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;
    use quote::quote;

    use super::{Attribute, expand};
    use crate::tokens::compact;

    fn text(args: TokenStream, item: &TokenStream) -> String {
        compact(expand(Attribute::On, args, item))
    }

    #[test]
    fn a_body_is_not_looked_at() {
        let half_typed = quote!(fn feed(event: &CatFed) { let x = ; event. });
        let expansion = text(quote!("cat*"), &half_typed);
        assert!(expansion.contains("fn feed(event:&CatFed){let x=;event.}"), "{expansion}");
        assert!(!expansion.contains("compile_error"), "{expansion}");
    }

    #[test]
    fn the_function_outlives_every_mistake() {
        let item = quote!(
            pub async fn feed(event: &mut CatFed) {
                work(event)
            }
        );
        let expansion = text(quote!("cat*", ordr = 1, now), &item);
        assert!(expansion.contains("pub async fn feed(event:&mut CatFed){work(event)}"), "{expansion}");
        assert_eq!(expansion.matches("compile_error").count(), 3, "{expansion}");
        assert!(!expansion.contains("submit"), "{expansion}");
    }

    #[test]
    fn what_is_no_function_is_passed_on_with_an_error() {
        let expansion = text(
            quote!("cat*"),
            &quote!(
                struct Feed;
            ),
        );
        assert!(expansion.contains("struct Feed;") && expansion.contains("goes on a function"), "{expansion}");
    }

    #[test]
    fn stacked_attributes_add_up_and_are_taken_off() {
        let item = quote!(
            #[on("a*", order = 3)]
            #[events::on("b*")]
            fn feed(event: &CatFed) {}
        );
        let expansion = text(quote!("c*"), &item);
        assert!(expansion.contains(r#"patterns:&["c*", "a*", "b*"]"#), "{expansion}");
        assert!(expansion.contains("order:3i32"), "{expansion}");
        assert!(!expansion.contains("#[on") && !expansion.contains("#[events::on"), "{expansion}");
        let all = text(
            quote!(),
            &quote!(
                #[on("a*")]
                fn feed(event: &CatFed) {}
            ),
        );
        assert!(all.contains("patterns:&[]"), "one `#[on]` without a pattern takes all: {all}");
    }

    #[test]
    fn options_arrive_in_the_declaration() {
        let item = quote!(
            async fn feed(event: &CatFed) {}
        );
        let expansion = text(quote!("c*", order = -7, timeout = "1h 30m 5ms", crate = my::facade), &item);
        assert!(expansion.contains("order:-7i32"), "{expansion}");
        assert!(expansion.contains("Duration::new(5400u64, 5000000u32)"), "{expansion}");
        assert!(expansion.contains("use my::facade::__private as __events;"), "{expansion}");
    }
}
