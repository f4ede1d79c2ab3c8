use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat*", batch = 100, within = "500ms")]
async fn feed(_: &CatFed) {}

fn main() {}
