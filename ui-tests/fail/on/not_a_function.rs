use events::on;

#[on("cat*")]
struct Feed;

fn main() {}
