use events::Event;
use std::rc::Rc;

#[derive(Event)]
struct CatFed {
    bowl: Rc<str>,
}

fn main() {}
