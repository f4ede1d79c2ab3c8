use events::every;

#[every("5s")]
fn clear(_: &u32) {}

fn main() {}
