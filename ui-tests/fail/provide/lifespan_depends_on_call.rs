use events::provide;

struct Pool;
struct Session;

#[provide]
fn session() -> Session {
    Session
}

#[provide(lifespan)]
fn database(#[depends(session)] _session: &Session) -> Pool {
    Pool
}

fn main() {}
