use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat*", order)]
fn feed(_: &CatFed) {}

fn main() {}
