use events::Event;

#[derive(Event)]
#[event(alias = "cat_*")]
struct CatFed;

fn main() {}
