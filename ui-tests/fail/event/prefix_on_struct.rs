use events::Event;

#[derive(Event)]
#[event(prefix = "cat-")]
struct Fed;

fn main() {}
