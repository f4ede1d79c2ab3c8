use events::every;

#[every("0s")]
async fn clear() {}

fn main() {}
