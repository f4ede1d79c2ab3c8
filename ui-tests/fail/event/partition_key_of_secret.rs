use events::Event;

#[derive(Event)]
struct SignedUp {
    #[event(secret, partition_key)]
    password: String,
}

fn main() {
    let _ = SignedUp { password: String::new() }.password;
}
