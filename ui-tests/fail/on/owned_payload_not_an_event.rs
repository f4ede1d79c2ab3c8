use events::on;

#[derive(Clone)]
struct CatFed;

#[on]
fn feed(_: CatFed) {}

fn main() {}
