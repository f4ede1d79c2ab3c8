use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

struct Batch<T>(T);

#[on]
async fn feed(_: Batch<CatFed>) {}

fn main() {}
