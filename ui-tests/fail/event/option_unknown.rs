use events::Event;

#[derive(Event)]
#[event(nmae = "cat-fed")]
struct CatFed;

fn main() {}
