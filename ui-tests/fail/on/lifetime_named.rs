use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat*")]
fn feed<'a>(_: &'a CatFed) {}

fn main() {}
