use events::{Event, on, provide};

#[derive(Event)]
struct CatFed;

struct Pool;

#[provide]
async fn database() -> Pool {
    Pool
}

#[on(now)]
fn feed(_: &CatFed, #[depends(database)] _pool: &Pool) {}

fn main() {}
