use events::timed;

#[timed(name = "import")]
async fn import() {}

fn main() {}
