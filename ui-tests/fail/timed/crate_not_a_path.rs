use events::timed;

#[timed(crate = "events")]
async fn import() {}

fn main() {}
