use events::Event;

#[derive(Event)]
#[event(name = "cat fed")]
struct CatFed;

fn main() {}
