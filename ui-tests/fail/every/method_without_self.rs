use events::every;

struct Kitchen;

impl Kitchen {
    #[every("5s")]
    async fn clean() {}
}

fn main() {}
