use events::every;

struct Kitchen;

impl Kitchen {
    #[every("5s")]
    async fn clean(_kitchen: events::State<Self>) {}
}

fn main() {}
