use events::provide;

struct Pool;
struct Session;

#[provide]
async fn database() -> Result<Pool, std::io::Error> {
    Ok(Pool)
}

#[provide]
async fn session(#[depends(database)] _pool: String) -> Session {
    Session
}

fn main() {}
