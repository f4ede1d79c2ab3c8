use events::{Batch, Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on]
async fn feed(_: Batch<CatFed>) {}

fn main() {}
