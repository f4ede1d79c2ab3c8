use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[on("cat*")]
fn feed(_: &CatFed)
where
    String: Clone,
{
}

fn main() {}
