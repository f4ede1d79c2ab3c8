use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on(failure)]
fn report(_: &CatFed) {}

fn main() {}
