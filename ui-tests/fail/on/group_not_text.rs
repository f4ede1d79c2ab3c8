use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat*", group = 7)]
fn feed(_: &CatFed) {}

fn main() {}
