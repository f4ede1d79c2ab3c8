use events::Event;

#[derive(Event)]
#[event(name = "cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-cat-")]
struct CatFed;

fn main() {}
