use events::on;

#[on(startup, now)]
fn begin() {}

fn main() {}
