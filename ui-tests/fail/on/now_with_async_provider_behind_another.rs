use events::{Event, on, provide};

#[derive(Event)]
struct CatFed;

struct Pool;

#[provide]
async fn database() -> Pool {
    Pool
}

struct Session;

#[provide]
fn session(#[depends(database)] _pool: &Pool) -> Session {
    Session
}

#[on(now)]
fn feed(_: &CatFed, #[depends(session)] _session: &Session) {}

fn main() {}
