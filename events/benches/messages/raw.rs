//! Messages whose name no type has: nothing is decoded, unless a handler asks.

use std::hint::black_box;

use events::{AnyEvent, View, on};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::cats::{Left, NUMBERS, Told, told};
use super::{Prepared, by_hand, handled_by_name};
use crate::support::payload;

/// The handler looks at the name alone.
pub(crate) struct Any;
/// The handler looks at the text.
pub(crate) struct Json;
/// The handler reads two fields of seven.
pub(crate) struct Viewed;

told!(Any, NUMBERS);
told!(Json, NUMBERS);
told!(Viewed, NUMBERS);

#[derive(Deserialize)]
struct HasCat {
    cat: u64,
    grams: u32,
}

#[on("raw-any")]
async fn on_any(event: &AnyEvent) {
    payload::add(event.name().len() as u64);
    Any::end();
}

#[on("raw-json")]
async fn on_json(event: &AnyEvent) {
    payload::add(event.json().get().map_or(0, str::len) as u64);
    Json::end();
}

#[on("raw-view")]
async fn on_view(event: View<HasCat>) {
    payload::add(event.cat + u64::from(event.grams));
    Viewed::end();
}

pub(crate) fn any(times: u32) -> Prepared {
    handled_by_name::<Any, 1>("raw-any", times)
}

pub(crate) fn json(times: u32) -> Prepared {
    handled_by_name::<Json, 1>("raw-json", times)
}

pub(crate) fn view(times: u32) -> Prepared {
    handled_by_name::<Viewed, 1>("raw-view", times)
}

/// The body is found to be JSON, and kept as it is.
pub(crate) fn raw_by_hand<T: Told>(times: u32) -> Prepared {
    by_hand::each::<T>(times, |body| {
        let raw: Box<RawValue> = serde_json::from_slice(body).expect("it is JSON");
        payload::add(black_box(&raw).get().len() as u64);
    })
}

/// The two fields are read at once.
pub(crate) fn view_by_hand(times: u32) -> Prepared {
    by_hand::each::<Viewed>(times, |body| {
        let seen: HasCat = serde_json::from_slice(body).expect("the payload fits");
        payload::add(seen.cat + u64::from(seen.grams));
    })
}
