//! Providers stand wherever functions may stand, and are named as functions are.

#![deny(warnings, unused_qualifications)]

use std::collections::BTreeMap;
use std::sync::Arc;

use events::{Event, Failure, State, Teardown, every, on, provide};

#[derive(Event)]
pub struct CatFed;

pub mod db {
    use std::io::Error;

    pub struct Pool;

    /// Documented.
    #[events::provide(lifespan, timeout = "5s")]
    #[allow(clippy::unnecessary_wraps)]
    pub(crate) async fn database() -> Result<Pool, Error> {
        Ok(Pool)
    }

    pub(crate) mod nested {
        #[events::provide]
        pub(in crate::db) fn hidden(#[depends(super::database)] _: &super::Pool) -> u8 {
            7
        }

        #[events::provide]
        pub(crate) fn shown(#[depends(self::hidden)] number: &u8) -> u16 {
            u16::from(*number)
        }
    }

    #[events::on]
    fn inside(_: &super::CatFed, #[depends(nested::hidden)] _: &u8) {}
}

use db::database;
use db::nested::shown as number;

#[provide]
fn greeting(#[depends(database)] _: &db::Pool, #[depends(crate::db::nested::shown)] number: &u16) -> String {
    number.to_string()
}

pub trait Clock: Send + Sync {}
impl Clock for u8 {}

#[provide]
fn clock(_: Teardown) -> Box<dyn Clock> {
    Box::new(7_u8)
}

#[provide]
fn sendable() -> Box<dyn Clock + Send> {
    Box::new(7_u8)
}

#[provide(lifespan)]
fn shared_clock() -> Arc<dyn Clock> {
    Arc::new(7_u8)
}

#[provide]
fn names() -> Vec<Arc<str>> {
    Vec::new()
}

#[provide]
fn title() -> &'static str {
    "Tom"
}

#[provide]
fn table() -> BTreeMap<&'static str, Option<fn(&str) -> String>> {
    BTreeMap::new()
}

#[on]
async fn coerced(
    _: &CatFed,
    #[depends(greeting)] text: &str,
    #[depends(clock)] _: &dyn Clock,
    #[depends(sendable)] _: &(dyn Clock + Send),
    #[depends(shared_clock)] _: &dyn Clock,
    #[depends(names)] names: &[Arc<str>],
    #[depends(title)] title: &str,
    #[depends(table)] _: &BTreeMap<&'static str, Option<fn(&str) -> String>>,
) {
    std::future::ready(()).await;
    let _ = (text, names, title);
}

#[on]
async fn owned(_: &CatFed, #[depends(names)] mut names: Vec<Arc<str>>, #[depends(number)] _: u16) {
    names.clear();
}

pub trait Gauge {}
impl Gauge for u8 {}

#[provide]
fn gauge() -> u8 {
    7
}

// What is borrowed in a `fn` is not kept over the wait for another provider.
#[on]
fn unshared(_: &CatFed, #[depends(gauge)] _: &dyn Gauge, #[depends(slow)] _: &u32) {}

#[provide]
async fn slow() -> u32 {
    7
}

#[on(now)]
fn at_once(_: &CatFed, #[depends(database)] _: &db::Pool, #[depends(number)] _: &u16) {}

#[on(blocking)]
fn blocking(_: &CatFed, #[depends(slow)] _: &u32) {}

#[on(startup)]
async fn warm(#[depends(database)] _: &db::Pool, #[depends(slow)] _: u32) {}

#[on(shutdown)]
fn cool(#[depends(database)] _: &db::Pool) {}

#[on(failure)]
fn report(_: &Failure, #[depends(greeting)] _: &str) {}

#[every("5s")]
async fn clean(#[depends(slow)] _: &u32, _: State<u8>) {}

#[provide]
#[events::timed]
async fn timed_below() -> Result<u64, String> {
    Ok(7)
}

#[events::timed("above")]
#[provide]
fn timed_above(#[depends(timed_below)] number: &u64) -> u64 {
    *number
}

#[inline]
#[provide]
#[must_use]
/// Documented.
fn attributed() -> i8 {
    7
}

#[cfg(any())]
#[provide]
fn left_out(_: DoesNotExist) -> u32 {}

#[cfg_attr(all(), provide)]
fn put_in() -> i16 {
    7
}

#[on]
async fn others(
    _: &CatFed,
    #[depends(timed_above)] _: &u64,
    #[depends(attributed)] _: &i8,
    #[depends(put_in)] _: &i16,
    #[allow(unused)] #[depends(from_a_macro)] number: &i32,
) {
}

macro_rules! provider {
    ($name:ident, $type:ty, $on:path, $of:ty) => {
        #[provide]
        fn $name(#[depends($on)] _: $of) -> $type {
            7
        }

        #[on]
        fn handler(_: &CatFed, #[depends($name)] _: &$type, #[depends($on)] _: $of) {}
    };
}
provider!(from_a_macro, i32, crate::slow, &u32);

mod shadows {
    use ::std::fmt::Error;

    pub struct Option;
    #[allow(dead_code)]
    struct Result;
    mod core {}
    mod std {}

    #[events::provide]
    fn shadowed() -> ::std::result::Result<Option, Error> {
        Ok(Option)
    }

    #[events::on]
    async fn feed(_: &super::CatFed, #[depends(shadowed)] _: &Option) {}
}

mod facade {
    pub use events as happenings;
}

#[facade::happenings::provide(crate = crate::facade::happenings)]
fn renamed(#[depends(slow)] _: &u32) -> i64 {
    7
}

#[on(crate = facade::happenings)]
fn hear(_: &CatFed, #[depends(renamed)] _: &i64) {}

fn main() {
    #[provide]
    fn local(#[depends(slow)] number: &u32) -> u32 {
        *number
    }

    #[on]
    fn inside(_: &CatFed, #[depends(local)] number: &u32) {
        let _ = number;
    }

    inside(&CatFed, &local(&7));
}
