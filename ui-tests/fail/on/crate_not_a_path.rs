use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat*", crate = "events")]
fn feed(_: &CatFed) {}

fn main() {}
