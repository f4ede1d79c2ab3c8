use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on(concurrency = 2)]
async fn feed(_: &CatFed) {}

fn main() {}
