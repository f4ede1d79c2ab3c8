use events::provide;

struct Pool;

struct Full;

#[provide]
fn database() -> Result<Pool, Full> {
    Ok(Pool)
}

fn main() {}
