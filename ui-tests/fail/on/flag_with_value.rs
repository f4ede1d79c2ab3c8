use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat*", now = true)]
fn feed(_: &CatFed) {}

fn main() {}
