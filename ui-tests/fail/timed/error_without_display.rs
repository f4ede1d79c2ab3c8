use events::timed;

struct Full;

#[timed]
async fn import() -> Result<(), Full> {
    Err(Full)
}

fn main() {}
