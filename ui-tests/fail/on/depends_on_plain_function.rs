use events::{Event, on};

#[derive(Event)]
struct CatFed;

struct Pool;

fn database() -> Pool {
    Pool
}

#[on]
async fn feed(_: &CatFed, #[depends(database)] _pool: &Pool) {}

fn main() {
    database();
}
