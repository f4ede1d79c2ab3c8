//! The crate may have another name, or be reached through somebody else's.

#![deny(warnings)]

mod facade {
    pub mod inner {
        pub use events as happenings;
    }
}

use facade::inner::happenings::{self, Event, on};

#[derive(Event)]
#[event(name = "fed", crate = crate::facade::inner::happenings)]
struct CatFed;

#[derive(Event)]
#[event(prefix = "dog-", crate = facade::inner::happenings)]
enum Dog {
    Fed,
}

#[on("fed", crate = happenings)]
async fn feed(_: &CatFed) {}

#[happenings::on("dog-*", crate = crate::facade::inner::happenings)]
fn feed_dog(_: &Dog) {}

fn main() {
    let _ = (CatFed, Dog::Fed);
}
