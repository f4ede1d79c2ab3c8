use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on(startup)]
fn begin(_: &CatFed) {}

fn main() {}
