use events::Event;

#[derive(Event, serde::Deserialize)]
#[event(version = 2, upgrade = CatFedV1)]
struct CatFed;

#[derive(serde::Deserialize)]
struct CatFedV1;

fn main() {}
