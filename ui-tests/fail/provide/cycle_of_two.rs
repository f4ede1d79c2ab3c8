use events::provide;

struct Pool;
struct Session;

#[provide]
fn database(#[depends(session)] _session: &Session) -> Pool {
    Pool
}

#[provide]
fn session(#[depends(database)] _pool: &Pool) -> Session {
    Session
}

fn main() {}
