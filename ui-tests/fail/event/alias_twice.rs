use events::Event;

#[derive(Event)]
enum Cat {
    #[event(alias = "feline")]
    Fed,
    #[event(alias = "feline")]
    Purred,
}

fn main() {}
