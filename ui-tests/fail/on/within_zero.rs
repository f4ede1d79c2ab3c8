use events::{Batch, Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on(batch = 10, within = "0s")]
async fn feed(_: Batch<CatFed>) {}

fn main() {}
