use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("")]
fn feed(_: &CatFed) {}

fn main() {}
