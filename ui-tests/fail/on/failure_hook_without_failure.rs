use events::on;

#[on(failure)]
fn report() {}

fn main() {}
