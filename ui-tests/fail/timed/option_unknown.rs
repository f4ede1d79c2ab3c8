use events::timed;

#[timed("import", crat = events)]
async fn import() {}

fn main() {}
