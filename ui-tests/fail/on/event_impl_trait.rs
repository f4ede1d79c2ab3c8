use events::{Event, on};

#[on]
fn feed(_: &impl Event) {}

fn main() {}
