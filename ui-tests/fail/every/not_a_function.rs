use events::every;

#[every("5s")]
struct Clear;

fn main() {}
