use events::provide;

#[provide]
fn count() -> Result<std::cell::Cell<u32>, String> {
    Ok(std::cell::Cell::new(7))
}

fn main() {}
