use events::timed;

trait Import {
    #[timed]
    async fn import(&self);
}

fn main() {}
