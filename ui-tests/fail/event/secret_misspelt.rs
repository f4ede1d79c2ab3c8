use events::Event;

#[derive(Event)]
struct SignedUp {
    #[event(secrt)]
    password: String,
}

fn main() {
    let _ = SignedUp { password: String::new() }.password;
}
