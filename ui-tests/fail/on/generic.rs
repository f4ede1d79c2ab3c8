use events::{Event, on};

#[on("cat*")]
fn feed<E: Event>(_: &E) {}

fn main() {}
