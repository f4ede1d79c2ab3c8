use events::every;

#[every("5s", maximum = 2)]
async fn clear() {}

fn main() {}
