use events::Event;

#[derive(Event)]
#[event(name = "cat-fed", alias = "cat_fed")]
struct CatFed;

fn main() {}
