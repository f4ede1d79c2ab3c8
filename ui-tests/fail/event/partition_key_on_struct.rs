use events::Event;

#[derive(Event)]
#[event(partition_key = "customer")]
struct OrderPlaced {
    customer: String,
}

fn main() {
    let _ = OrderPlaced { customer: String::new() }.customer;
}
