use events::provide;

trait Scale {}

struct Session;

#[provide]
fn scale() -> Box<u32> {
    Box::new(7)
}

#[provide]
fn session(#[depends(scale)] _scale: &dyn Scale) -> Session {
    Session
}

fn main() {}
