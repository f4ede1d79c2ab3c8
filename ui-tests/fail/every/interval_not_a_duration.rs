use events::every;

#[every("often")]
async fn clear() {}

fn main() {}
