use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat*")]
fn feed(event: &mut CatFed) {
    event.fish += 1;
}

fn main() {}
