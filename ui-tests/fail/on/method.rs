use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

struct Kitchen;

impl Kitchen {
    #[on("cat*")]
    fn feed(&self, _: &CatFed) {}
}

fn main() {}
