use events::every;

#[every("5s", timeout = "1s")]
fn clear() {}

fn main() {}
