use events::Event;

#[derive(Event)]
enum Cat {}

fn main() {}
