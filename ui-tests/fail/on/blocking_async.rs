use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat*", blocking)]
async fn feed(_: &CatFed) {}

fn main() {}
