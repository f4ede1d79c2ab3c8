use events::{Event, on, provide};

#[derive(Event)]
struct CatFed;

struct Pool;

#[provide]
fn database() -> Pool {
    Pool
}

#[on]
async fn feed(#[depends(database)] _pool: &Pool, _: &CatFed) {}

fn main() {}
