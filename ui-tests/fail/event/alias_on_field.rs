use events::Event;

#[derive(Event)]
struct CatFed {
    #[event(alias = "fishes")]
    fish: u32,
}

fn main() {
    let _ = CatFed { fish: 2 }.fish;
}
