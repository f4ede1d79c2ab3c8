use events::every;

#[every("5s", max = 0)]
async fn clear() {}

fn main() {}
