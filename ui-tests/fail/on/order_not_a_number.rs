use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat*", order = "first")]
fn feed(_: &CatFed) {}

fn main() {}
