use events::Event;

#[derive(Event, serde::Serialize)]
#[serde(tag = "type")]
enum Cat {
    Fed { fish: u32 },
}

fn main() {}
