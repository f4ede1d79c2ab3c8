use events::provide;

struct Pool;

#[provide(lifspan)]
fn database() -> Pool {
    Pool
}

fn main() {}
