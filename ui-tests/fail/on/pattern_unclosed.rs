use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat-[fg")]
fn feed(_: &CatFed) {}

fn main() {}
