use events::provide;

#[provide]
fn names() -> impl Iterator<Item = u32> {
    0..3
}

fn main() {}
