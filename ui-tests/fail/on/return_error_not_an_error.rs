use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

struct Spilled;

#[on("cat*")]
async fn feed(_: &CatFed) -> Result<(), Spilled> {
    Err(Spilled)
}

fn main() {}
