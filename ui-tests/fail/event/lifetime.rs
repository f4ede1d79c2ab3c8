use events::Event;

#[derive(Event)]
struct CatFed<'a> {
    cat: &'a str,
}

fn main() {}
