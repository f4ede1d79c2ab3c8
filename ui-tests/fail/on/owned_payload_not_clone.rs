use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat*")]
async fn feed(event: CatFed) {
    println!("{}", event.fish);
}

fn main() {}
