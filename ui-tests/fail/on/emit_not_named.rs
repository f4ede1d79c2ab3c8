use events::{Emit, Event, on};

#[derive(Event)]
struct CatFed {
    fish: u32,
}

#[derive(Event)]
struct CatPurred;

#[derive(Event)]
struct CatSlept;

#[derive(Event)]
struct CatLeft;

#[on("cat-fed")]
fn feed(_: &CatFed, emit: Emit<(CatPurred, CatSlept)>) {
    let _ = emit.dispatch(CatLeft);
}

fn main() {}
