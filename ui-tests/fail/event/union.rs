use events::Event;

#[derive(Event)]
union Fed {
    fish: u32,
    milk: u8,
}

fn main() {}
