use events::Event;

#[derive(Event)]
struct OrderPlaced {
    #[event(partition_key)]
    customer: Option<String>,
}

fn main() {
    let _ = OrderPlaced { customer: None }.customer;
}
