use events::every;

struct Pool;

fn database() -> Pool {
    Pool
}

#[every("5s")]
async fn clean(#[depends(database)] _pool: &Pool) {}

fn main() {
    database();
}
