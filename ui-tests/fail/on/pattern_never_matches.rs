use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("dog*")]
async fn feed(event: &CatFed) {
    println!("{}", event.fish);
}

fn main() {}
