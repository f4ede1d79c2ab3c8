use events::provide;

struct Pool;

#[provide(timeout = "5s")]
fn database() -> Pool {
    Pool
}

fn main() {}
