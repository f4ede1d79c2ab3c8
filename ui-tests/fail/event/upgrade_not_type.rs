use events::Event;

#[derive(Event, serde::Deserialize)]
#[event(version = 2, upgrade = "CatFedV1")]
struct CatFed;

fn main() {}
