use events::provide;

#[provide]
fn count() -> std::cell::Cell<u32> {
    std::cell::Cell::new(7)
}

fn main() {}
