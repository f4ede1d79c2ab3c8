use events::provide;

mod db {
    pub struct Pool;

    #[events::provide]
    fn database() -> Pool {
        Pool
    }
}

struct Session;

#[provide]
fn session(#[depends(db::database)] _pool: &db::Pool) -> Session {
    Session
}

fn main() {}
