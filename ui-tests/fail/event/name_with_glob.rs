use events::Event;

#[derive(Event)]
#[event(name = "cat-*")]
struct CatFed;

fn main() {}
