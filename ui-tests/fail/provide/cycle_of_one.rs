use events::provide;

struct Pool;

#[provide]
fn database(#[depends(database)] _pool: &Pool) -> Pool {
    Pool
}

fn main() {}
