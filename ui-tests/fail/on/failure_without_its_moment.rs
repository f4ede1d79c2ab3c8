use events::{Failure, on};

#[on]
fn report(_: &Failure) {}

fn main() {}
