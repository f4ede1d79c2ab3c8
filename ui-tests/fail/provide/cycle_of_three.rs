use events::provide;

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

fn main() {}
