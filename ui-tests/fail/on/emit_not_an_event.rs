use events::{Emit, Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat-fed")]
fn feed(_: &CatFed, _: Emit<(CatFed, String)>) {}

fn main() {}
