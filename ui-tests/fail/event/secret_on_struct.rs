use events::Event;

#[derive(Event)]
#[event(secret)]
struct CatFed;

fn main() {}
