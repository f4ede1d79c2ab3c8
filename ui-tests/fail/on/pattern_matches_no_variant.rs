use events::{Event, on};

#[derive(Event)]
#[event(prefix = "user-")]
enum UserEvent {
    SignedUp,
    Left,
}

#[on("user-deleted")]
fn greet(_: &UserEvent) {}

fn main() {}
