use events::Event;

#[derive(Event)]
struct CatFed<T> {
    fish: T,
}

fn main() {}
