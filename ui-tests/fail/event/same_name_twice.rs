use events::Event;

#[derive(Event)]
#[event(prefix = "cat-")]
enum Cat {
    Fed { fish: u32 },
    #[event(name = "cat-fed")]
    Given(u32),
}

fn main() {}
