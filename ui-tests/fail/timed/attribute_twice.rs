use events::timed;

#[timed("import")]
#[timed]
async fn import() {}

fn main() {}
