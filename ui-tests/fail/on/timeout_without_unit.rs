use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat*", timeout = "5")]
async fn feed(_: &CatFed) {}

fn main() {}
