use events::provide;

struct Pool;
struct Session;

#[provide]
fn database() -> Pool {
    Pool
}

#[provide]
fn session(#[depends(database, database)] _pool: &Pool) -> Session {
    Session
}

fn main() {}
