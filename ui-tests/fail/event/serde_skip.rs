use events::Event;

#[derive(Event, serde::Deserialize)]
enum Cat {
    Fed { fish: u32 },
    #[serde(skip)]
    Gone,
}

fn main() {}
