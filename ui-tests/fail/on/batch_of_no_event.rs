use events::{Batch, Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on(batch = 10, within = "1s")]
async fn feed(_: Batch<String>) {}

fn main() {}
