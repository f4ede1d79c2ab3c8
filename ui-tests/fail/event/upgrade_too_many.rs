use events::Event;

#[derive(Event, serde::Deserialize)]
#[event(version = 2, upgrade = [CatFedV0, CatFedV1])]
struct CatFed;

#[derive(serde::Deserialize)]
struct CatFedV0;

#[derive(serde::Deserialize)]
struct CatFedV1;

impl From<CatFedV0> for CatFed {
    fn from(_: CatFedV0) -> Self {
        Self
    }
}

impl From<CatFedV1> for CatFed {
    fn from(_: CatFedV1) -> Self {
        Self
    }
}

fn main() {}
