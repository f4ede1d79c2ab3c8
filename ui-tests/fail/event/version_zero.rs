use events::Event;

#[derive(Event)]
#[event(version = 0)]
struct CatFed;

fn main() {}
