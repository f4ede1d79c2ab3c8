use events::provide;

struct Pool;

#[provide]
fn database() -> Pool
where
    u32: Copy,
{
    Pool
}

fn main() {}
