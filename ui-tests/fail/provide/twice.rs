use events::provide;

struct Pool;

#[provide]
#[provide(lifespan)]
fn database() -> Pool {
    Pool
}

fn main() {}
