use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat*", timeout = "0s")]
async fn feed(_: &CatFed) {}

fn main() {}
