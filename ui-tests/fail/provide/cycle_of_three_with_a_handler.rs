use events::{Event, on, provide};

struct Pool;
struct Session;
struct User;

#[provide(lifespan)]
fn database(#[depends(user)] _user: &User) -> Pool {
    Pool
}

#[provide(lifespan)]
fn session(#[depends(database)] _pool: &Pool) -> Session {
    Session
}

#[provide(lifespan)]
fn user(#[depends(session)] _session: &Session) -> User {
    User
}

#[derive(Event)]
struct CatFed;

#[on]
fn feed(_: &CatFed, #[depends(user)] _user: &User) {}

fn main() {}
