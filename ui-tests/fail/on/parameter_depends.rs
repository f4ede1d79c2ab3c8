use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

fn pool() -> u32 {
    7
}

#[on]
fn feed(_: &CatFed, #[depends(pool)] _: &u32) {}

fn main() {}
