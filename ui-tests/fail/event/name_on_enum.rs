use events::Event;

#[derive(Event)]
#[event(name = "cat")]
enum Cat {
    Fed,
}

fn main() {}
