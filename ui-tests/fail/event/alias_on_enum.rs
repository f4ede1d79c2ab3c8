use events::Event;

#[derive(Event)]
#[event(alias = "cat")]
enum Cat {
    Fed,
}

fn main() {}
