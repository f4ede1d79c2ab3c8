use events::on;

#[on(startup)]
async fn begin() {}

fn main() {}
