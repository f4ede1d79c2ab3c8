use events::Event;

#[derive(Event)]
enum Cat {
    #[event(prefix = "cat-")]
    Fed,
}

fn main() {}
