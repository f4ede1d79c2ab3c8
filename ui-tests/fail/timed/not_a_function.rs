use events::timed;

#[timed]
struct Import;

fn main() {}
