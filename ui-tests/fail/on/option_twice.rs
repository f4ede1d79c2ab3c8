use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat*", order = 1, order = 2)]
fn feed(_: &CatFed) {}

fn main() {}
