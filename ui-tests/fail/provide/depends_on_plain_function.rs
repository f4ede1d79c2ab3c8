use events::provide;

struct Pool;
struct Session;

fn database() -> Pool {
    Pool
}

#[provide]
fn session(#[depends(database)] _pool: &Pool) -> Session {
    Session
}

fn main() {
    database();
}
