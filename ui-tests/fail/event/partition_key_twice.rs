use events::Event;

#[derive(Event)]
struct OrderPlaced {
    #[event(partition_key)]
    shop: String,
    #[event(partition_key)]
    customer: String,
}

fn main() {
    let OrderPlaced { shop: _, customer: _ } = OrderPlaced { shop: String::new(), customer: String::new() };
}
