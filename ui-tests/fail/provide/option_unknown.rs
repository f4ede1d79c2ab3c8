use events::provide;

struct Pool;

#[provide(order = 3)]
fn database() -> Pool {
    Pool
}

fn main() {}
