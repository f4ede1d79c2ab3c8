use events::provide;

struct Pool;

#[provide]
fn database(_url: impl AsRef<str>) -> Pool {
    Pool
}

fn main() {}
