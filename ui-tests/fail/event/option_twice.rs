use events::Event;

#[derive(Event)]
#[event(name = "cat-fed", name = "cat-was-fed")]
struct CatFed;

fn main() {}
