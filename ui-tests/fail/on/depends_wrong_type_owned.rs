use events::{Event, on, provide};

#[derive(Event)]
struct CatFed;

struct Pool;

#[provide]
fn database() -> Pool {
    Pool
}

#[on]
fn feed(_: &CatFed, #[depends(database)] _pool: String) {}

fn main() {}
