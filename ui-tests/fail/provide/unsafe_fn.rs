use events::provide;

struct Pool;

#[provide]
unsafe fn database() -> Pool {
    Pool
}

fn main() {}
