use events::provide;

struct Pool;

#[provide(lifespan, lifespan)]
fn database() -> Pool {
    Pool
}

fn main() {}
