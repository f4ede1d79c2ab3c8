use events::{Lifespan, provide};

struct Session;

#[provide]
fn session() -> Session {
    Session
}

fn session_of(app: &Lifespan) -> bool {
    app.provided::<session>().is_some()
}

fn main() {
    let _ = session_of;
}
