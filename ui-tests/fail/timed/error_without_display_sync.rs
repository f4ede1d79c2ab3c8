use events::timed;

struct Full;

#[timed]
fn import() -> Result<(), Full> {
    Err(Full)
}

fn main() {}
