use events::timed;

#[timed("import", "upload")]
async fn import() {}

fn main() {}
