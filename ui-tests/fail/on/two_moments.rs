use events::on;

#[on(startup, shutdown)]
async fn begin() {}

fn main() {}
