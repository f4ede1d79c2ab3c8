use events::Event;

#[derive(Event, serde::Deserialize)]
#[event(upgrade = CatFedV1)]
struct CatFed;

#[derive(serde::Deserialize)]
struct CatFedV1;

impl From<CatFedV1> for CatFed {
    fn from(_: CatFedV1) -> Self {
        Self
    }
}

fn main() {}
