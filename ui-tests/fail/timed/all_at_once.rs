use events::timed;

#[timed("", nam = "import")]
const fn import() {}

fn main() {}
