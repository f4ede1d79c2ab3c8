use events::every;

#[every("5s", "10s")]
async fn clear() {}

fn main() {}
