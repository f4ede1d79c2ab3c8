use events::provide;

struct Pool;
struct Session;

#[provide]
fn database() -> Pool {
    Pool
}

#[provide(lifespan)]
fn session(#[depends(Pool)] _pool: &Pool) -> Session {
    Session
}

fn main() {}
