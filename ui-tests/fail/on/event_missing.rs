use events::on;

#[on("cat*")]
async fn feed() {}

fn main() {}
