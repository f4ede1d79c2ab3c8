use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat*", ordr = 1)]
fn feed(_: &CatFed) {}

fn main() {}
