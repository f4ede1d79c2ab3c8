use events::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
enum Cat {
    Fed(u8),
    #[serde(untagged)]
    Called(String),
}

fn main() {}
