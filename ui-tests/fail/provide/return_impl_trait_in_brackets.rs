use events::provide;

#[provide]
fn names() -> Option<impl Iterator<Item = u32>> {
    Some(0..3)
}

fn main() {}
