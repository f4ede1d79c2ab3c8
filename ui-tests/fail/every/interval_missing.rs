use events::every;

#[every]
async fn clear() {}

fn main() {}
