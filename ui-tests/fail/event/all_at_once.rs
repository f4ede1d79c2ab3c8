use events::Event;

#[derive(Event)]
#[event(name = 7, colour = "red", prefix = "cat-")]
struct CatFed<T> {
    fish: T,
}

fn main() {}
