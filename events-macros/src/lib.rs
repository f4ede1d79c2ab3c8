//! tmp
use proc_macro::TokenStream;
#[proc_macro_derive(Event, attributes(event))]
pub fn event(_: TokenStream) -> TokenStream { TokenStream::new() }
#[proc_macro_attribute]
pub fn on(_: TokenStream, item: TokenStream) -> TokenStream { item }
