use events::Event;

#[derive(Event)]
#[event(name = 7)]
struct CatFed;

fn main() {}
