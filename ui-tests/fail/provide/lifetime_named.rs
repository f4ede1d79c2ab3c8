use events::provide;

struct Pool;

#[provide]
fn name() -> String {
    String::new()
}

#[provide]
fn database<'a>(#[depends(name)] _name: &'a str) -> Pool {
    Pool
}

fn main() {}
