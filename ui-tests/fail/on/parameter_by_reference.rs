use events::{Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

struct Pool;

#[on("cat*")]
async fn feed(event: &CatFed, pool: &Pool) {
    let _ = (event, pool);
}

fn main() {}
