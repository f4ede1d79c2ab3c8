use events::{AnyEvent, on};

#[on("cat-[")]
fn audit(_: &AnyEvent) {}

fn main() {}
