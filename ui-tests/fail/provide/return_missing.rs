use events::provide;

#[provide]
async fn database() {}

fn main() {}
