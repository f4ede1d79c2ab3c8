use events::Event;

#[derive(Event)]
#[event(name)]
struct CatFed;

fn main() {}
