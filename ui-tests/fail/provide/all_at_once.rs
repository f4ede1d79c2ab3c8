use events::provide;

struct Pool;

struct Session;

#[provide(lifspan, timeout = "5s")]
fn session(#[depends] _pool: &Pool, #[depends(database)] _other: &mut Pool) -> Session {
    Session
}

// What depends on it has no errors of its own.
#[provide(lifespan)]
fn greeting(#[depends(session)] _session: &Session) -> String {
    String::new()
}

#[provide]
fn database() -> Pool {
    Pool
}

fn main() {}
