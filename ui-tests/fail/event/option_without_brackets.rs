use events::Event;

#[derive(Event)]
#[event = "cat-fed"]
struct CatFed;

fn main() {}
