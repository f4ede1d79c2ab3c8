use events::provide;

#[provide]
struct Database;

fn main() {}
