use events::timed;

#[timed(import.files)]
async fn import() {}

fn main() {}
