use events::Event;
use validator::{Validate, ValidationError};

struct Limits;

#[derive(Event, Validate)]
#[validate(context = Limits)]
struct CatFed {
    #[validate(custom(function = "few", use_context))]
    fish: u32,
}

fn few(_: u32, _: &Limits) -> Result<(), ValidationError> {
    Ok(())
}

fn main() {}
