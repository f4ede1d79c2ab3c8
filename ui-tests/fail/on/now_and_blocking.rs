use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat*", now, blocking)]
fn feed(_: &CatFed) {}

fn main() {}
