use events::Event;

#[derive(Event, serde::Deserialize)]
#[event(version = 2, upgrade = CatFed)]
struct CatFed;

fn main() {}
