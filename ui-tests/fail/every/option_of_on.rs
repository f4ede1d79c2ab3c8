use events::every;

#[every("5s", order = 2)]
async fn clear() {}

fn main() {}
