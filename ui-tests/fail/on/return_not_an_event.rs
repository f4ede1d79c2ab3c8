use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat*")]
async fn feed(event: &CatFed) -> u32 {
    event.fish
}

fn main() {}
