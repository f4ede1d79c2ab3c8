use events::provide;

struct Pool;

#[provide(lifespan = true)]
fn database() -> Pool {
    Pool
}

fn main() {}
