use events::{Event, Lifespan, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on]
fn feed(_: &CatFed, #[cfg(not(test))] _: Lifespan) {}

fn main() {}
