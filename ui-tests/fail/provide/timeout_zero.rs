use events::provide;

struct Pool;

#[provide(timeout = "0s")]
async fn database() -> Pool {
    Pool
}

fn main() {}
