use events::Event;

#[derive(Event, serde::Deserialize)]
#[event(version = 2, upgrade = CatFedV1)]
struct CatFed;

struct CatFedV1;

impl From<CatFedV1> for CatFed {
    fn from(_: CatFedV1) -> Self {
        Self
    }
}

fn main() {}
