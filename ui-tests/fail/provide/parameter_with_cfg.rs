use events::provide;

struct Pool;

#[provide]
fn database(#[cfg(unix)] _lifespan: events::Lifespan) -> Pool {
    Pool
}

fn main() {}
