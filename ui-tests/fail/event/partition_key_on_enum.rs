use events::Event;

#[derive(Event)]
#[event(partition_key)]
enum Order {
    #[event(partition_key)]
    Placed { customer: String },
}

fn main() {
    let Order::Placed { customer: _ } = Order::Placed { customer: String::new() };
}
