use events::Event;

#[derive(Event)]
#[event(name = "cat-fed", alias = "cat-fed")]
struct CatFed;

fn main() {}
