use events::{Event, State, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on]
fn feed(_: State<String>, _: &CatFed) {}

fn main() {}
