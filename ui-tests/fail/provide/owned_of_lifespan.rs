use events::provide;

struct Pool;
struct Session;

#[provide(lifespan)]
fn database() -> Pool {
    Pool
}

#[provide]
fn session(#[depends(database)] _pool: Pool) -> Session {
    Session
}

fn main() {}
