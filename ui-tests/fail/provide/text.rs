use events::provide;

struct Pool;

#[provide("database")]
fn database() -> Pool {
    Pool
}

fn main() {}
