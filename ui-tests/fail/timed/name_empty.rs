use events::timed;

#[timed("")]
async fn import() {}

fn main() {}
