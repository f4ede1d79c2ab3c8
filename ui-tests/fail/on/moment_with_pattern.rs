use events::on;

#[on("cat*", startup)]
async fn begin() {}

fn main() {}
