use events::{Event, on};

#[derive(Event)]
struct CatFed;

struct Kitchen;

impl Kitchen {
    #[on]
    fn feed(_: &CatFed) {}
}

fn main() {}
