//! Expansions need no prelude, no name of the user's and no permission.

#![no_implicit_prelude]
#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications)]
#![forbid(unsafe_code)]

use ::events::{AnyEvent, Event, State, every, on, provide};

/// Shadows.
pub mod shadows {
    /// A type.
    pub struct Result;
    /// A type.
    pub struct Option;
    /// A type.
    pub struct String;
    /// A type.
    pub struct Box;
    /// A type.
    pub struct Send;
    /// A module.
    pub mod core {}
    /// A module.
    pub mod std {}
    /// A module.
    pub mod events {}
    /// A function.
    #[allow(non_snake_case)]
    pub fn Some() {}
    /// A type.
    #[allow(non_camel_case_types)]
    pub struct str;
    /// A type.
    #[allow(non_camel_case_types)]
    pub struct usize;
}
use shadows::*;

/// An event.
#[derive(Event)]
#[allow(missing_docs)]
pub enum Cat {
    /// A variant.
    Fed {
        /// A field.
        #[event(partition_key)]
        fish: u32,
    },
    /// A variant.
    Petted(#[event(partition_key)] u8),
    /// A variant.
    Gone,
}

/// An event.
#[derive(::std::clone::Clone, Event)]
pub struct Quiet;

#[on("fed", order = -1, timeout = "1s")]
async fn feed(_: &Cat) -> ::std::result::Result<Quiet, ::std::fmt::Error> {
    ::std::result::Result::Ok(Quiet)
}

#[on("*", blocking)]
fn audit(_: &AnyEvent, _: State<u32>) {}

#[on]
fn hush(_: Quiet) {}

#[on(now)]
fn hear(_: ::std::sync::Arc<Quiet>) {}

/// A provider.
#[provide(lifespan, timeout = "1s")]
pub async fn number() -> ::std::result::Result<u32, ::std::fmt::Error> {
    ::std::result::Result::Ok(7)
}

#[provide]
fn text(#[depends(number)] _: &u32) -> ::std::string::String {
    ::std::string::String::new()
}

#[on]
async fn read(_: &Quiet, #[depends(text)] _: &::std::primitive::str, #[depends(number)] _: &u32) {}

#[every("5s")]
fn count(#[depends(text)] _: ::std::string::String) {}

fn main() {
    let _: (Result, Option, String, Box, Send, str, usize) = (Result, Option, String, Box, Send, str, usize);
    Some();
    let _ = (Cat::Fed { fish: 1 }, Cat::Petted(2), Cat::Gone);
}
