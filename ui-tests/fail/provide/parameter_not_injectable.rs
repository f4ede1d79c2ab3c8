use events::provide;

struct Pool;

struct Config;

#[provide]
fn database(_config: Config) -> Pool {
    Pool
}

fn main() {}
